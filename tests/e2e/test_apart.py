"""Services in processes of their own on the embedded bus: together they handle what one process handles."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import httpx
import pytest

from demo.families import bereavement_application, invent_family
from shared.clock import SystemClock, beijing_date, new_id
from shared.db.postgres.address import free_port
from tests.support.database import Server, eventually

FRONT = "access,intake,coordinator"
BACK = "elderly,assistance,marriage,funeral"


async def serve(dsn: str, keys: Path, only: str, port: int) -> Process:
    environment = {
        **os.environ,
        "ONEWINDOW_DATABASE_URL": dsn,
        "ONEWINDOW_KEYS": str(keys),
        "ONEWINDOW_DEMO": "1",
        "ONEWINDOW_PORT": str(port),
    }
    command = (sys.executable, "-m", "shared.runtime.cli.main", "serve", "--only", only)
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def ready() -> bool:
            try:
                return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        await eventually(ready, f"{only} to be ready", 120, 0.1)
    return process


async def close_one(port: int, seed: int) -> None:
    """Hands one family's application in over HTTP and waits for its end."""
    today = beijing_date(SystemClock().now())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        form = {"grant_type": "password", "username": "clerk", "password": "onewindow-demo"}
        token = (await client.post("/api/auth/token", data=form)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        body = bereavement_application(invent_family(seed, today), today)
        answer = await client.post("/api/intake/applications", json=body, headers={"Idempotency-Key": str(new_id())})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        number = answer.json()["application_no"]

        async def closed() -> bool:
            return (await client.get(f"/api/intake/applications/{number}")).json()["status"] == "closed"

        await eventually(closed, f"{number} to close", 120, 0.05)


@pytest.mark.timeout(420)
async def test_two_processes_share_the_services_and_a_killed_one_is_only_missed_until_it_is_back(
    server: Server, tmp_path: Path
) -> None:
    dsn, keys = await server.new_database(), tmp_path / "keys"
    front_port, back_port = free_port(), free_port()
    front = await serve(dsn, keys, FRONT, front_port)
    back = await serve(dsn, keys, BACK, back_port)
    try:
        await close_one(front_port, 1)
        back.send_signal(signal.SIGKILL)
        await back.wait()
        waiting = asyncio.create_task(close_one(front_port, 2))
        back = await serve(dsn, keys, BACK, back_port)
        await waiting
    finally:
        for process in (front, back):
            process.terminate()
        codes = await asyncio.wait_for(asyncio.gather(front.wait(), back.wait()), 60)
    assert list(codes) == [0, 0], "a terminated process ends cleanly"
