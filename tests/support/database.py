"""One embedded PostgreSQL a test session, a database of its own for whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from shared.catalog.registry import load
from shared.clock import new_id
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.db.postgres import EmbeddedPostgres
from shared.runtime.host import load_specs
from tests.support.places import passing_folder


class Server:
    """The session's server; hands out fresh databases."""

    def __init__(self, postgres: EmbeddedPostgres, dsn: str) -> None:
        self.postgres = postgres
        self._dsn = dsn
        self._migrated = ""

    async def new_database(self) -> str:
        """The DSN of a new empty database."""
        return self._at(await self._make("template1"))

    async def new_platform_database(self) -> str:
        """The DSN of a new database in which every service's schema stands and nothing else: a platform that is not
        itself about its first start is spared the migrations."""
        if not self._migrated:
            made = await self._make("template1")
            await migrate(self._at(made), load_specs(load([])))
            self._migrated = made
        return self._at(await self._make(self._migrated))

    async def remove(self, dsn: str) -> None:
        """Lets go of a database that nobody needs any more; who is still connected is cut off."""
        await self._as_superuser(f'DROP DATABASE "{dsn.rpartition("/")[2]}" WITH (FORCE)')

    def _at(self, name: str) -> str:
        return self._dsn.rsplit("/", 1)[0] + "/" + name

    async def _make(self, template: str) -> str:
        name = f"t_{new_id().hex}"
        await self._as_superuser(f'CREATE DATABASE "{name}" OWNER onewindow TEMPLATE "{template}"')
        return name

    async def _as_superuser(self, statement: str) -> None:
        conn = await asyncpg.connect(self.postgres.address.superuser_dsn)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The session's PostgreSQL, its data in a temporary folder that is removed."""
    with passing_folder("onewindow-test-") as folder:
        postgres = EmbeddedPostgres(folder)
        # Where there is no room in memory: nothing here comes back from a crash, and hundreds of databases that wait for
        # the disk make a run as slow, and as uneven, as whatever else writes on the machine.
        postgres._settings |= {"fsync": "off"}
        try:
            yield Server(postgres, postgres.start())
        finally:
            postgres.remove()


@pytest_asyncio.fixture
async def dsn(server: Server) -> AsyncIterator[str]:
    """A fresh database, gone with the test."""
    made = await server.new_database()
    yield made
    await server.remove(made)


@pytest_asyncio.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    """A pool on a fresh database."""
    database = Database(dsn, 8)
    await database.open()
    yield database
    await database.close()


async def eventually(check: object, what: str, seconds: float = 20.0, pause: float = 0.01) -> object:
    """Polls until `check()` (sync or async) is truthy and returns it; fails saying what was waited for."""
    deadline = asyncio.get_running_loop().time() + seconds
    last: object = None
    while asyncio.get_running_loop().time() < deadline:
        last = check()  # type: ignore[operator]
        if asyncio.iscoroutine(last):
            last = await last
        if last:
            return last
        await asyncio.sleep(pause)
    pytest.fail(f"waited {seconds:g} s for {what}; last seen: {last!r}")
