"""Presence: a process shows that it is alive by an advisory lock of a session of its own.

The lock ends with the session, so whoever was killed is known to be gone at once, and whoever stands still within
seconds; a lease's own end is for those that hang. The session also brings notices from other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import asyncpg

from shared.clock import new_id
from shared.db.engine import Database, mapped_errors

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

LOCKS = 7_420_112
"""Class of the advisory locks that say who is alive."""

CLAIMS = 7_420_113
"""Class of the advisory locks that say who alone does a thing."""

CHANNEL = "onewindow"
LOOK_SECONDS = 1.0
STILL_SECONDS = 10.0
"""A process that says nothing for so long, since it stands still or its machine is gone, is alive no more: the database
ends its session, and with it all that it alone may do."""

BEAT_SECONDS = 5.0
"""After so long without an answer the session is given up, and another one opened."""

_HELD = (
    "SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
    f" AND l.classid = {LOCKS} AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def gone(column: str) -> str:
    """SQL: nobody, or nobody alive, stands in this column of presence numbers."""
    return f"({column} IS NULL OR NOT EXISTS ({_HELD} AND l.objid = {column}::oid))"


class Presence:
    """This process among those that work on a database; `number` is what it signs leases with."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._session: PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection | None = None
        self._watch: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[list[str]], None]] = []
        self._returned: list[Callable[[], None]] = []
        self._claims: set[str] = set()
        self._claiming = asyncio.Lock()
        self.number = 0
        self.alone = True

    def listen(self, on_notice: Callable[[list[str]], None], on_return: Callable[[], None]) -> None:
        """Calls back for other processes' notices, never for this one's own, and when the session was lost and is here again."""
        self._listeners.append(on_notice)
        self._returned.append(on_return)

    async def start(self) -> None:
        """Shows this process; raises `Transient` while the database does not answer."""
        await self._open()
        self._watch = asyncio.create_task(self._keep(), name="presence")

    async def _open(self) -> None:
        with mapped_errors():
            still = {"idle_session_timeout": str(int(STILL_SECONDS * 1000))}
            session = await asyncpg.connect(self._db.dsn, timeout=10, server_settings=still)
            self.number = new_id().int & 0x7FFF_FFFF
            await session.execute(f"SELECT pg_advisory_lock({LOCKS}, $1)", self.number)
            await session.add_listener(CHANNEL, self._heard)
            self._session = session
            self._claims.clear()
        await self._count()

    def _heard(self, _: object, __: int, ___: str, payload: object) -> None:
        sender, *words = str(payload).split(",")
        if sender == str(self.number):
            return  # a session hears what its own process says, too: taken for news, it would be answered for ever
        for listener in self._listeners:
            listener(words)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            # A database that is away is met by the workers, with their own report.
            with contextlib.suppress(Exception):
                if self._session is None or self._session.is_closed():
                    await self._open()
                    for returned in self._returned:
                        returned()
                await self._beat(self._session)
                await self._count()

    async def _beat(self, session: PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection | None) -> None:
        """Says that this process is alive; a session that does not answer is no session any more."""
        if session is None:
            return
        async with self._claiming:
            try:
                await session.execute("SELECT 1", timeout=BEAT_SECONDS)
            except Exception:
                session.terminate()
                raise

    async def _count(self) -> None:
        async with self._db.connection() as conn:
            held = await conn.fetchval(f"SELECT count(*) FROM ({_HELD}) h")
        self.alone = held <= 1

    async def claim(self, what: str) -> bool:
        """Whether this process, for as long as its session lives, is the one that does this; asks only once."""
        async with self._claiming:
            session = self._session
            if session is None or session.is_closed():
                return False
            if what not in self._claims:
                with mapped_errors():
                    got = await session.fetchval(f"SELECT pg_try_advisory_lock({CLAIMS}, hashtext($1))", what)
                if not got:
                    return False
                self._claims.add(what)
            return True

    async def tell(self, words: Iterable[str]) -> None:
        """Sends a notice to the other processes, if there are any; a lost one only costs them their next look."""
        if self.alone:
            return
        with contextlib.suppress(Exception):
            async with self._db.connection() as conn:
                await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, ",".join([str(self.number), *words]))

    async def stop(self) -> None:
        """Ends the session, so that others take over at once."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._session is not None:
            with contextlib.suppress(Exception):
                await self._session.close(timeout=2)
            self._session = None
