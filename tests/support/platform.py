"""The whole platform in this process, on the session's database server, spoken to as a client would."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from shared.clock import new_id
from shared.config import Settings
from shared.runtime.host import Host
from tests.support.database import Server, eventually

PASSWORD = "onewindow-demo"
NOW = "2026-11-21T10:00:00+08:00"
"""A Saturday; the virtual clock of the session's platform starts here."""


class Platform:
    """A running host and clients with the tokens of demonstration accounts."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.app = host.app()
        self._tokens: dict[str, str] = {}

    @asynccontextmanager
    async def client(self, account: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client signed in as a demonstration account, or not at all."""
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://onewindow.test", timeout=30) as client:
            if account is not None:
                client.headers["Authorization"] = f"Bearer {await self._token(client, account)}"
            yield client

    async def _token(self, client: httpx.AsyncClient, account: str) -> str:
        if account not in self._tokens:
            form = {"grant_type": "password", "username": account, "password": PASSWORD}
            answer = await client.post("/api/auth/token", data=form)
            assert answer.status_code == httpx.codes.OK, answer.text
            self._tokens[account] = answer.json()["access_token"]
        return self._tokens[account]

    async def get(self, path: str, account: str | None = "clerk", **params: Any) -> httpx.Response:
        """GET as an account."""
        async with self.client(account) as client:
            return await client.get(path, params=params)

    async def post(
        self, path: str, body: Any = None, account: str | None = "clerk", key: str | None = None
    ) -> httpx.Response:
        """POST as an account, with a fresh idempotency key unless one is given."""
        async with self.client(account) as client:
            return await client.post(path, json=body, headers={"Idempotency-Key": key or str(new_id())})

    async def submit(self, body: Mapping[str, Any], account: str = "clerk") -> dict[str, Any]:
        """Hands an application in; it must be accepted for handling (201)."""
        answer = await self.post("/api/intake/applications", body, account)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def application(self, number: str, account: str = "clerk") -> dict[str, Any]:
        """The application as the account sees it."""
        answer = await self.get(f"/api/intake/applications/{number}", account)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def closed(self, number: str, seconds: float = 20) -> dict[str, Any]:
        """Waits until the application is closed, and returns it."""
        seen: dict[str, Any] = {}

        async def is_closed() -> bool:
            seen.update(await self.application(number))
            return seen["status"] == "closed"

        try:
            await eventually(is_closed, f"{number} to close", seconds)
        except BaseException:
            states = [(i["matter"], i["status"], i["waiting_on"]) for i in seen.get("items", [])]
            print("items:", states, "failed workers:", self.host.supervisor.failed)
            raise
        return seen

    async def tasks(self, service: str, number: str, account: str, state: str = "open") -> list[dict[str, Any]]:
        """The tasks of one application in a service."""
        answer = await self.get(f"/api/{service}/tasks", account, state=state)
        assert answer.status_code == httpx.codes.OK, answer.text
        return [t for t in answer.json()["items"] if t["application_no"] == number]


@asynccontextmanager
async def run_platform(dsn: str, **settings: Any) -> AsyncIterator[Platform]:
    """A platform of its own on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="onewindow-keys-") as folder:
        given = {"keys": Path(folder) / "keys", "demo": True, "clock": f"virtual:{NOW}@1", **settings}
        host = Host(Settings(database_url=dsn, **given))
        async with host.running():
            yield Platform(host)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(server: Server) -> AsyncIterator[Platform]:
    """The session's platform, all services in one process; a test owns its cases, never the platform."""
    async with run_platform(await server.new_database()) as made:
        yield made
