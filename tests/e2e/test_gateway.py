"""The gateway itself, before copies that only answer: what one copy cannot do now, another one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.apart.gateway import NoGateway, gateway
from shared.catalog.registry import load
from shared.db.postgres.address import free_port
from tests.support.database import eventually

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def copy(status: str, body: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A copy that always answers so: its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        asked.append(await reader.readexactly(length))
        said = f"HTTP/1.1 {status}\r\nRetry-After: 2\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        writer.write(said.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


@asynccontextmanager
async def gate(places: dict[str, list[str]], folder: Path) -> AsyncIterator[int]:
    """The gateway before these copies: its port."""
    port = free_port()
    try:
        program = gateway(places, port, folder)
    except NoGateway as cause:
        pytest.skip(str(cause))
    process = await asyncio.create_subprocess_exec(*program.command)
    try:
        await listening(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


OWN: dict[str, tuple[int, str, dict[str, Any]]] = {
    "a body too large": (413, "TOO_LARGE", {"method": "POST", "url": "/api/auth/token", "content": b"x" * 1_100_000}),
    "an address too long": (414, "ADDRESS_TOO_LONG", {"method": "GET", "url": "/docs?" + "x" * 40_000}),
    "headers too large": (431, "HEADERS_TOO_LARGE", {"method": "GET", "url": "/docs", "headers": {"a": "x" * 40_000}}),
    "no such host": (400, "BAD_REQUEST", {"method": "GET", "url": "/docs", "headers": {"Host": "a/b"}}),
    "figures": (404, "NOT_FOUND", {"method": "GET", "url": "/metrics"}),
    "nobody there": (503, "SERVICE_AWAY", {"method": "GET", "url": "/api/funeral/tasks"}),
}


async def test_what_the_gateway_answers_by_itself_is_a_problem_document(tmp_path: Path) -> None:
    async with copy("200 OK", "here") as (there, _):
        places = {name: [there] for name in load().services} | {"funeral": [f"127.0.0.1:{free_port()}"]}
        async with (
            gate(places, tmp_path) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            for what, (status, code, request) in OWN.items():
                answer = await client.request(**request)
                assert answer.headers["content-type"] == "application/problem+json", what
                told = answer.json()
                assert (answer.status_code, told["status"], told["code"]) == (status, status, code), what
                assert told.keys() == {"type", "title", "status", "code", "detail", "errors"}
                assert " / " in told["detail"], what
                assert ("retry-after" in answer.headers) == (status == 503)


async def test_the_bare_address_is_a_services_to_answer(tmp_path: Path) -> None:
    async with (
        copy("307 Temporary Redirect", "") as (there, asked),
        gate({name: [there] for name in load().services}, tmp_path) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert (await client.get("/")).status_code == 307
    assert len(asked) == 1


async def test_what_an_older_copy_leaves_to_a_newer_one_is_answered_by_that_one(tmp_path: Path) -> None:
    async with copy("503 Service Unavailable", "NEWER_RELEASE") as (old, met), copy("200 OK", "done") as (new, _):
        places = {name: [old] for name in load().services} | {"elderly": [old, new], "funeral": [old]}
        async with (
            gate(places, tmp_path) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            for _ in range(4):
                answer = await client.post("/api/elderly/tasks/1/decision", content=b"granted")
                assert (answer.status_code, answer.text) == (200, "done")
            assert b"granted" in met, "the older one was asked, too"
            answer = await client.post("/api/funeral/tasks/1/decision", content=b"granted")
            assert (answer.status_code, answer.text) == (503, "NEWER_RELEASE"), "where there is no other, it says so"
            assert answer.headers["retry-after"] == "2"


async def listening(port: int) -> None:
    async def connected() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(connected, "nginx to listen")
