"""The floor: the same rows for the same cases by hand-written asyncpg, nine commits a case.

Accept, dispatch, three decisions, three joins, close; 32 cases at once on one pool; the same server, so `fsync` and
`synchronous_commit` are what ours runs under. Documents are as large as those that ours writes, as text and on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from benchmarks.bodies import Sizes, document
from benchmarks.cpu import Parts
from benchmarks.table import Run
from shared.clock import monotonic, new_id

AT_ONCE = 32
SCHEMA = """
CREATE SCHEMA floor;
CREATE TABLE floor.application (id uuid PRIMARY KEY, version int NOT NULL, number text UNIQUE NOT NULL,
    status text NOT NULL, body json NOT NULL);
CREATE TABLE floor.cases (id uuid PRIMARY KEY, version int NOT NULL, status text NOT NULL, body json NOT NULL);
CREATE TABLE floor.item (id uuid PRIMARY KEY, case_id uuid NOT NULL, version int NOT NULL, phase text NOT NULL,
    body json NOT NULL);
CREATE INDEX ON floor.item (case_id);
CREATE TABLE floor.timeline (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), line text NOT NULL);
CREATE TABLE floor.audit (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), actor text NOT NULL, action text NOT NULL, row_id text NOT NULL);
CREATE TABLE floor.holding (person text NOT NULL, matter text NOT NULL, case_id uuid NOT NULL, state text NOT NULL,
    PRIMARY KEY (person, matter));
"""
MATTERS = ("elderly", "assistance", "marriage")


class Floor:
    """Runs cases through nine hand-written transactions each."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], sizes: Sizes) -> None:
        self._pool = pool
        self._application, self._case = document(sizes.application), document(sizes.case)
        self._item = document(sizes.item)

    async def case(self) -> None:
        """One case from accepted to closed."""
        case_id, items = new_id(), [new_id() for _ in MATTERS]
        await self._accept(case_id)
        await self._dispatch(case_id, items)
        await asyncio.gather(*(self._decide(item) for item in items))
        for item in items:
            await self._join(case_id, item)
        await self._close(case_id)

    async def _accept(self, case_id: UUID) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(
                "INSERT INTO floor.application VALUES ($1, 1, $2, 'submitted', $3)",
                case_id,
                case_id.hex,
                self._application,
            )
            await conn.executemany(
                "INSERT INTO floor.holding VALUES ($1, $2, $3, 'live')", [(case_id.hex, m, case_id) for m in MATTERS]
            )
            await self._line(conn, case_id, "accepted")

    async def _dispatch(self, case_id: UUID, items: list[UUID]) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute("INSERT INTO floor.cases VALUES ($1, 1, 'open', $2)", case_id, self._case)
            await conn.executemany(
                "INSERT INTO floor.item VALUES ($1, $2, 1, 'open', $3)", [(i, case_id, self._item) for i in items]
            )
            await self._line(conn, case_id, "dispatched")

    async def _decide(self, item: UUID) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.fetchrow("SELECT body FROM floor.item WHERE id = $1 FOR UPDATE", item)
            await conn.execute(
                "UPDATE floor.item SET version = version + 1, phase = 'decided', body = $2 WHERE id = $1",
                item,
                self._item,
            )
            await self._note(conn, item, "decided")

    async def _join(self, case_id: UUID, item: UUID) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.fetchrow("SELECT body FROM floor.cases WHERE id = $1 FOR UPDATE", case_id)
            await conn.execute(
                "UPDATE floor.cases SET version = version + 1, body = $2 WHERE id = $1", case_id, self._case
            )
            await conn.execute("UPDATE floor.item SET phase = 'settled', version = version + 1 WHERE id = $1", item)
            await self._line(conn, case_id, "joined")

    async def _close(self, case_id: UUID) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute("UPDATE floor.cases SET status = 'closed', version = version + 1 WHERE id = $1", case_id)
            await conn.execute(
                "UPDATE floor.application SET status = 'closed', version = version + 1, body = $2 WHERE id = $1",
                case_id,
                self._application,
            )
            await conn.execute("UPDATE floor.holding SET state = 'granted' WHERE case_id = $1", case_id)
            await self._line(conn, case_id, "closed")

    async def _line(self, conn: asyncpg.Connection, case_id: UUID, text: str) -> None:
        await conn.execute("INSERT INTO floor.timeline (case_id, line) VALUES ($1, $2)", case_id, text)
        await self._note(conn, case_id, text)

    @staticmethod
    async def _note(conn: asyncpg.Connection, row: UUID, action: str) -> None:
        await conn.execute("INSERT INTO floor.audit (actor, action, row_id) VALUES ('floor', $1, $2)", action, str(row))

    async def run(self, cases: int, parts: Parts) -> Run:
        """So many cases, `AT_ONCE` at a time."""
        left = iter(range(cases))
        before, started = parts.spent(), monotonic()

        async def worker() -> None:
            for _ in left:
                await self.case()

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return Run(cases, monotonic() - started, parts.spent() - before)


@asynccontextmanager
async def floor(dsn: str, sizes: Sizes) -> AsyncIterator[Floor]:
    """Its tables and pool, in the same database as ours."""
    async with asyncpg.create_pool(dsn, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        await pool.execute(SCHEMA)
        yield Floor(pool, sizes)
