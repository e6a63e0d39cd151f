"""Section `hops`: when each message of an idle case is sent, by its own time; printed, not put into the table."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from rich.progress import Progress
from rich.table import Table

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.ground import ground
from benchmarks.platforms import one_process
from benchmarks.sizes import Size
from benchmarks.table import Figure
from shared.messages import parse_type

FIRST = "intake.ApplicationSubmitted"
MILLISECOND = timedelta(milliseconds=1)


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """The median moment of each message after the application's, one case at a time on the embedded bus."""
    async with ground() as here:
        async with ours.platform(here, one_process()) as up:
            cases = []
            for body in Families().stops(2 * size.idle):
                cases.append(await up.submit(body))
                await up.watch.until_closed(cases[-1])
        moments = await _moments(here.dsn, cases[size.idle :])
    table = Table("message", "ms after the application", "a case")
    for name, found in sorted(moments.items(), key=lambda item: statistics.median(item[1])):
        table.add_row(name, f"{statistics.median(found):.1f}", f"{len(found) / size.idle:g}")
    progress.console.print(table)
    return []


async def _moments(dsn: str, cases: list[UUID]) -> dict[str, list[float]]:
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch(
            "SELECT headers->>'caseid' AS case, headers->>'type' AS type, headers->>'time' AS at FROM bus.record"
            " WHERE headers->>'caseid' = ANY($1)",
            [str(case) for case in cases],
        )
    finally:
        await conn.close()
    sent = [(row["case"], ".".join(parse_type(row["type"])[:2]), datetime.fromisoformat(row["at"])) for row in rows]
    start = {case: at for case, name, at in sent if name == FIRST}
    found: dict[str, list[float]] = {}
    for case, name, at in sent:
        found.setdefault(name, []).append((at - start[case]) / MILLISECOND)
    return found
