"""What must hold of the platform's own rows once it has come to rest, whatever was done to it on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.coordinator.store import stuck_cases
from shared.clock import UTC

if TYPE_CHECKING:
    import asyncpg

LAST_DAY = datetime(9999, 1, 1, tzinfo=UTC)


async def schemas(conn: asyncpg.Connection) -> list[str]:
    """The services that have delivery tables."""
    rows = await conn.fetch("SELECT schemaname FROM pg_tables WHERE tablename = 'parked' ORDER BY 1")
    return [row["schemaname"] for row in rows]


async def unrested(conn: asyncpg.Connection) -> list[str]:
    """What is still to be done, is stuck or was put aside: at rest, nothing."""
    found = []
    for schema in await schemas(conn):
        for what, sql in _LEFT.items():
            count = await conn.fetchval(sql.format(schema=schema))
            if count:
                found.append(f"{schema}: {count} {what}")
    return found


_LEFT = {
    "rows in the outbox": 'SELECT count(*) FROM "{schema}".outbox',
    "parked messages": "SELECT count(*) FROM \"{schema}\".parked WHERE state <> 'discarded'",
    "open questions": "SELECT count(*) FROM \"{schema}\".ask WHERE state IN ('open', 'in_doubt')",
}


async def stuck(conn: asyncpg.Connection) -> list[str]:
    """I6: cases with an open obligation that nobody answers, as the sweeper finds them, whenever it was sent."""
    silent = [f"stuck: {row['application_no']}" for row in await stuck_cases(conn, LAST_DAY)]
    rows = await conn.fetch('SELECT application_no, status FROM coordinator."case" WHERE open_count > 0')
    return silent + [f"open: {row['application_no']} is {row['status']}" for row in rows]


async def lost(conn: asyncpg.Connection, answered: Sequence[str]) -> list[str]:
    """Applications that a client was told of and that are not there, or not closed, at intake or the coordinator."""
    found = []
    for table in ("intake.application", 'coordinator."case"'):
        rows = await conn.fetch(
            f"SELECT id::text FROM {table} WHERE id = ANY($1::uuid[]) AND status = 'closed'", answered
        )
        found += [f"lost: {case} is not closed in {table}" for case in set(answered) - {row["id"] for row in rows}]
    return found + [f"lost: number {number} is no paper's" for number in await missing_numbers(conn)]


async def missing_numbers(conn: asyncpg.Connection) -> list[str]:
    """Numbers of papers that were given and that no paper has: of each series 1, 2, 3 … up to the last, none."""
    rows = await conn.fetch(
        "SELECT s.organ || s.word || '〔' || s.year || '〕' || n || '号' AS number FROM intake.paper_sequence s,"
        " generate_series(1, s.last) AS n EXCEPT SELECT number FROM intake.paper ORDER BY 1"
    )
    return [row["number"] for row in rows]


async def twice(conn: asyncpg.Connection) -> list[str]:
    """What had its effect more than once: by the audit rows, which commit with each effect."""
    found = []
    for schema in await schemas(conn):
        for what, sql in _TWICE.items():
            rows = await conn.fetch(sql.format(schema=schema))
            found += [f"twice: {schema}.{row['aggregate_id']} {what} {row['what']} {row['n']} times" for row in rows]
    numbers = "SELECT application_no, count(*) AS n FROM intake.application GROUP BY 1 HAVING count(*) > 1"
    found += [f"twice: {row['application_no']} names {row['n']} cases" for row in await conn.fetch(numbers)]
    return found


_TWICE = {
    # I1, I2: one audit row a message and aggregate.
    "applied the event": 'SELECT aggregate_id, cause AS what, count(*) AS n FROM "{schema}".audit'
    " WHERE cause IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1",
    # I7: a draft's expiry fires once however often its process dies.
    "fired": 'SELECT aggregate_id, action AS what, count(*) AS n FROM "{schema}".audit'
    " WHERE action = 'timer:expire' GROUP BY 1, 2 HAVING count(*) > 1",
}
