"""The gateway itself, before copies that only answer: what one copy cannot do now, another one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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


async def test_what_an_older_copy_leaves_to_a_newer_one_is_answered_by_that_one(tmp_path: Path) -> None:
    async with copy("503 Service Unavailable", "NEWER_RELEASE") as (old, met), copy("200 OK", "done") as (new, _):
        port = free_port()
        places = {name: [old] for name in load().services} | {"elderly": [old, new], "funeral": [old]}
        try:
            program = gateway(places, port, tmp_path)
        except NoGateway as cause:
            pytest.skip(str(cause))
        process = await asyncio.create_subprocess_exec(*program.command)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                await listening(port)
                for _ in range(4):
                    answer = await client.post("/api/elderly/tasks/1/decision", content=b"granted")
                    assert (answer.status_code, answer.text) == (200, "done")
                assert b"granted" in met, "the older one was asked, too"
                answer = await client.post("/api/funeral/tasks/1/decision", content=b"granted")
                assert (answer.status_code, answer.text) == (503, "NEWER_RELEASE"), (
                    "where there is no other, it says so"
                )
                assert answer.headers["retry-after"] == "2"
        finally:
            process.terminate()
            await process.wait()


async def listening(port: int) -> None:
    async def connected() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(connected, "nginx to listen")
