"""A platform under test, spoken to as a client would: hosted in this process, or apart behind its gateway."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest_asyncio

from shared.clock import SystemClock, beijing_date, new_id
from shared.config import Settings
from shared.runtime.host import Host
from tests.support.database import Server, eventually

PASSWORD = "onewindow-demo"
NOW = "2026-11-21T10:00:00+08:00"
"""A Saturday; the virtual clock of the session's platform starts here."""

MARGIN_SECONDS = 300
"""Real time for which a token must hold when a test is given it."""


class Platform(ABC):
    """What a test may do with a platform wherever it runs; each demonstration account signs in as often as it must."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    @abstractmethod
    def _http(self) -> httpx.AsyncClient:
        """A client that is not signed in."""

    @property
    @abstractmethod
    def today(self) -> date:
        """Its Beijing date."""

    @abstractmethod
    async def records(self, topic: str, key: str) -> list[tuple[str, bytes]]:
        """CloudEvents type and data of all that stands on a topic under a key, in order."""

    @asynccontextmanager
    async def client(self, account: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client signed in as a demonstration account, or not at all."""
        async with self._http() as client:
            if account is not None:
                client.headers["Authorization"] = f"Bearer {await self._token(client, account)}"
            yield client

    async def _token(self, client: httpx.AsyncClient, account: str) -> str:
        if account not in self._tokens or _ends_soon(self._tokens[account]):
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

    async def closed(self, number: str, seconds: float = 60) -> dict[str, Any]:
        """Waits until the application is closed, and returns it."""
        seen: dict[str, Any] = {}

        async def is_closed() -> bool:
            seen.update(await self.application(number))
            return seen["status"] == "closed"

        try:
            await eventually(is_closed, f"{number} to close", seconds)
        except BaseException:
            print("items:", [(i["matter"], i["status"], i["waiting_on"]) for i in seen.get("items", [])])
            self.explain()
            raise
        return seen

    @abstractmethod
    def explain(self) -> None:
        """Prints what may say why something did not come."""

    async def tasks(self, service: str, number: str, account: str, state: str = "open") -> list[dict[str, Any]]:
        """The tasks of one application in a service."""
        answer = await self.get(f"/api/{service}/tasks", account, state=state)
        assert answer.status_code == httpx.codes.OK, answer.text
        return [t for t in answer.json()["items"] if t["application_no"] == number]


def _ends_soon(token: str) -> bool:
    """Whether a token may end under the hands of whoever uses it now: a run lasts longer than the quarter of an hour of one."""
    ends: int = jwt.decode(token, options={"verify_signature": False})["exp"]
    return ends < SystemClock().now().timestamp() + MARGIN_SECONDS


class Hosted(Platform):
    """All services in this process; a test may look inside."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self.app = host.app()

    def _http(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://onewindow.test", timeout=30, trust_env=False)

    @property
    def today(self) -> date:
        return beijing_date(self.host.clock.now())

    async def records(self, topic: str, key: str) -> list[tuple[str, bytes]]:
        async with self.host.db.transaction(None) as conn:
            rows = await conn.fetch(
                "SELECT headers ->> 'type' AS type, data FROM bus.record WHERE topic = $1 AND key = $2"
                ' ORDER BY partition, "offset"',
                topic,
                key,
            )
        return [(row["type"], row["data"]) for row in rows]

    def explain(self) -> None:
        print("failed workers:", self.host.supervisor.failed)


@asynccontextmanager
async def run_platform(dsn: str, **settings: Any) -> AsyncIterator[Hosted]:
    """A platform of its own on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="onewindow-keys-") as folder:
        given = {
            "keys": Path(folder) / "keys",
            "files": Path(folder) / "files",
            "demo": True,
            "clock": f"virtual:{NOW}@1",
            **settings,
        }
        host = Host(Settings(database_url=dsn, **given))
        async with host.running():
            yield Hosted(host)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(server: Server) -> AsyncIterator[Hosted]:
    """The session's platform, all services in one process; a test owns its cases, never the platform."""
    async with run_platform(await server.new_platform_database()) as made:
        yield made
