"""The virtual clock's one database row: every process reads it, it never goes back, and it waits for the work.

It is moved from timer to timer, each time only when outboxes are empty, lag is 0 and no timer or question is due, so
that what would have happened on a day in between happens on that day. Under demonstration only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clock import VirtualClock, as_utc
from shared.delivery.waiting import wait_for
from shared.errors import Conflict, Transient

if TYPE_CHECKING:
    from shared.bus.port import Bus, Lag
    from shared.db.engine import Database
    from shared.db.site import Site

NOTICE = "clock"
LOOK_SECONDS = 1.0
QUIET_SECONDS = 30.0
"""Real time that the work under way may take before a move is refused."""

_TABLE = """
CREATE SCHEMA IF NOT EXISTS dev;
CREATE TABLE IF NOT EXISTS dev.clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), at timestamptz NOT NULL);
"""
_THERE = "SELECT name FROM unnest($1::text[]) name WHERE to_regclass(format('%I.timer', name)) IS NOT NULL"
_WAITING = """
SELECT $1::timestamptz AS at WHERE EXISTS (SELECT FROM "{schema}".outbox WHERE refused IS NULL)
    OR EXISTS (SELECT FROM "{schema}".timer WHERE due_at <= $1)
    OR EXISTS (SELECT FROM "{schema}".ask
        WHERE state IN ('open', 'in_doubt') AND (next_try_at <= $1 OR lease_until IS NOT NULL))
"""
_NEXT_DUE = """
SELECT min(due_at) AS at FROM "{schema}".timer
UNION ALL SELECT min(next_try_at) FROM "{schema}".ask WHERE state IN ('open', 'in_doubt')
"""


class VirtualTime:
    """Keeps this process's clock with the row at home, and moves the row.

    `databases` are those of all services, also of those that other processes host: their work holds the clock too.
    """

    def __init__(self, clock: VirtualClock, home: Site, bus: Bus, databases: Mapping[str, Database]) -> None:
        self._clock, self._db, self._presence, self._bus = clock, home.db, home.presence, bus
        self._schemas: dict[Database, list[str]] = {}
        for schema, db in databases.items():
            self._schemas.setdefault(db, []).append(schema)
        self._news = asyncio.Event()
        self._listeners: list[asyncio.Event] = []
        self._presence.listen(self._heard, self._news.set)

    def _heard(self, words: list[str]) -> None:
        if NOTICE in words:
            self._news.set()

    def wake(self, *events: asyncio.Event) -> None:
        """Sets these events whenever the clock has moved."""
        self._listeners += events

    async def start(self) -> None:
        """Takes over the row's moment, or gives the row this clock's if it is later or there is none."""
        async with self._db.transaction() as conn:
            await conn.execute(_TABLE)
            at = await conn.fetchval(
                "INSERT INTO dev.clock (at) VALUES ($1) ON CONFLICT (one) DO UPDATE"
                " SET at = greatest(dev.clock.at, EXCLUDED.at) RETURNING at",
                self._clock.now(),
            )
        self._take(at)

    async def follow(self) -> None:
        """Keeps this process's clock with the row, for ever, and the row with a clock that runs: one that has just
        started is then not behind the others."""
        while True:
            await wait_for(self._news, LOOK_SECONDS)
            async with self._db.connection() as conn:
                if self._clock.speed:
                    await conn.execute("UPDATE dev.clock SET at = $1 WHERE at < $1", self._clock.now())
                self._take(await conn.fetchval("SELECT at FROM dev.clock"))

    def _take(self, at: datetime) -> None:
        if at > self._clock.now():
            self._clock.set(at)
            for event in self._listeners:
                event.set()

    async def move(self, to: datetime) -> datetime:
        """Moves the clock to `to`, stopping at every timer and question on the way; answers the moment reached.

        `Conflict` for an earlier moment, `Transient` when the work under way does not end.
        """
        target = as_utc(to)
        if target < self._clock.now():
            raise Conflict("CLOCK_BACKWARDS")
        while True:
            await self._quiet()
            due = await self._next_due()
            step = min(target, due) if due is not None else target
            await self._set(step)
            if step >= target:
                await self._quiet()
                return self._clock.now()

    async def _set(self, at: datetime) -> None:
        async with self._db.connection() as conn:
            await conn.execute("UPDATE dev.clock SET at = greatest(at, $1)", at)
        self._take(at)
        await self._presence.tell([NOTICE])

    async def _quiet(self) -> None:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while await self._busy():  # noqa: ASYNC110 — the work is other processes' too: there is no event for it
                    await asyncio.sleep(0.02)
        except TimeoutError as cause:
            raise Transient("还有未处理完的工作,时钟没有移动", "work is still under way", retry_after=5) from cause

    async def _busy(self) -> bool:
        # Where the outbox is relayed, work may pass from a table to the bus between two looks: so the bus is looked at
        # on both sides of the tables, and nothing may have been appended in between.
        before = await self._bus.lag()
        if any(lag.records for lag in before) or await self._waiting():
            return True
        return sorted(before, key=_where) != sorted(await self._bus.lag(), key=_where)

    async def _waiting(self) -> bool:
        return any(at is not None for at in await self._each(_WAITING, self._clock.now()))

    async def _next_due(self) -> datetime | None:
        return min((at for at in await self._each(_NEXT_DUE) if at is not None), default=None)

    async def _each(self, one: str, *arguments: Any) -> list[Any]:
        """The least that a query gives in each database, over the services whose tables are there: one that never ran
        has none."""
        found = []
        for db, schemas in self._schemas.items():
            await db.open()
            async with db.connection() as conn:
                there = [row["name"] for row in await conn.fetch(_THERE, schemas)]
                if there:
                    every = " UNION ALL ".join(one.format(schema=schema) for schema in there)
                    found.append(await conn.fetchval(f"SELECT min(at) FROM ({every}) e", *arguments))
        return found


def _where(lag: Lag) -> tuple[str, str, int]:
    return lag.group, lag.topic, lag.partition
