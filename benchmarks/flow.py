"""Cases on their way: handed in by a few submitters while not too many are open, each seen to close."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from shared.clock import monotonic

Submit = Callable[[dict[str, Any]], Awaitable[UUID]]

AT_ONCE = 32
LOOK_SECONDS = 0.05
"""Looking costs the database and, in one process, the platform's own loop: this is about a hundredth of its time."""

WINDOW = 256
"""How many of the oldest open cases a look asks about: cases close about in the order in which they came."""

PATIENCE = 120.0


class Standstill(RuntimeError):
    """Nothing closed for so long that something must be wrong."""


class Watch:
    """Sees cases close, in the table that intake shows them from."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self._conn = conn
        self._open: deque[UUID] = deque()
        self._closed_at = monotonic()

    def expect(self, *cases: UUID) -> None:
        """These are on their way."""
        if not self._open:
            self._closed_at = monotonic()
        self._open.extend(cases)

    async def still_open(self) -> int:
        """How many of all that were ever handed in are open; reads the whole table."""
        count: int = await self._conn.fetchval("SELECT count(*) FROM intake.application WHERE status <> 'closed'")
        return count

    async def received(self) -> int:
        """How many were ever handed in; reads the whole table."""
        count: int = await self._conn.fetchval("SELECT count(*) FROM intake.application")
        return count

    async def look(self) -> int:
        """How many of the oldest have closed since the last look; raises `Standstill`."""
        asked = [self._open.popleft() for _ in range(min(WINDOW, len(self._open)))]
        rows = await self._conn.fetch(
            "SELECT id FROM intake.application WHERE id = ANY($1) AND status = 'closed'", asked
        )
        closed = {row["id"] for row in rows}
        self._open.extendleft(case for case in reversed(asked) if case not in closed)
        if closed or not asked:
            self._closed_at = monotonic()
        elif monotonic() - self._closed_at > PATIENCE:
            raise Standstill(f"{len(self._open)} cases are open and none closed for {PATIENCE:g} s")
        return len(closed)

    async def until_closed(self, *cases: UUID) -> None:
        """Returns when these, and all expected before, are closed."""
        self.expect(*cases)
        while self._open:
            if await self.look() < WINDOW:
                await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def watching(dsn: str) -> AsyncIterator[Watch]:
    """Looks at intake's database by a connection of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        yield Watch(conn)
    finally:
        await conn.close()


async def flow(
    watch: Watch, submit: Submit, bodies: Sequence[dict[str, Any]], most: int, told: Callable[[int], object]
) -> float:
    """Seconds from the first submit until the last case is closed, never more than `most` open at once."""
    room = asyncio.Semaphore(most)
    left = iter(bodies)
    started = monotonic()

    async def submitter() -> None:
        for body in left:
            await room.acquire()
            watch.expect(await submit(body))

    async def watcher() -> None:
        done = 0
        while done < len(bodies):
            closed = await watch.look()
            done += closed
            told(closed)
            for _ in range(closed):
                room.release()
            await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watcher())
        for _ in range(AT_ONCE):
            tasks.create_task(submitter())
    return monotonic() - started
