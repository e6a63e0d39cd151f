"""Ours: joint cases of three parallel stops, from submit in process to `closed` visible in intake."""

from __future__ import annotations

import asyncio
import importlib
import statistics
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.progress import Progress

from benchmarks.floor import Sizes
from demo.families import bereavement_application, invent_family
from shared.clock import beijing_date, monotonic
from shared.config import Settings
from shared.http.principal import Principal, RoleInUnit
from shared.runtime.host import Host

AT_ONCE = 32
STOPS = ("elderly.benefit_stop", "assistance.benefit_stop", "marriage.record_annotation")
CLERK = Principal(
    account="clerk",
    name="基准",
    kind="staff",
    roles=(RoleInUnit("clerk", "420112", "420112"),),
    scopes=(),
    person_ref=None,
)


@dataclass(frozen=True)
class Throughput:
    """Cases a second, and how many there were."""

    per_second: float
    cases: int


@asynccontextmanager
async def platform(dsn: str, folder: Path) -> AsyncIterator[Host]:
    """All services in this process on a database of their own, with the simulated sources."""
    host = Host(Settings(database_url=dsn, keys=folder / "keys", demo=True))
    async with host.running():
        yield host


def applications(host: Host, first: int, count: int, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Applications of invented families: the three parallel stops, or the whole bundle."""
    today = beijing_date(host.clock.now())
    for seed in range(first, first + count):
        body = bereavement_application(invent_family(seed, today), today)
        yield body if whole else only_stops(body)


def only_stops(body: dict[str, Any]) -> dict[str, Any]:
    """The application cut down to the three parallel stops and what they declare."""
    form = {name: value for name, value in body["form"].items() if name in {"death", "payee", "electronic_delivery"}}
    return {**body, "matters": list(STOPS), "form": form, "materials": []}


async def submit(host: Host, body: dict[str, Any]) -> UUID:
    """Hands one in, in process; the case id."""
    intake = importlib.import_module("services.intake.api.submission")
    found = await intake.submit(host.services["intake"], body, CLERK)
    return UUID(str(found["case_id"]))


async def closed_count(host: Host) -> int:
    """How many applications intake shows as closed."""
    async with host.db.connection() as conn:
        count: int = await conn.fetchval("SELECT count(*) FROM intake.application WHERE status = 'closed'")
    return count


async def throughput(host: Host, cases: int, first: int, progress: Progress) -> Throughput:
    """`AT_ONCE` submitters; from the first submit until the last case is closed in intake."""
    bodies = list(applications(host, first, cases))
    task = progress.add_task("ours", total=cases)
    before = await closed_count(host)
    left = iter(bodies)
    started = monotonic()

    async def submitter() -> None:
        for body in left:
            await submit(host, body)

    await asyncio.gather(*(submitter() for _ in range(AT_ONCE)))
    while (done := await closed_count(host) - before) < cases:
        progress.update(task, completed=done)
        await asyncio.sleep(0.02)
    elapsed = monotonic() - started
    progress.update(task, completed=cases)
    return Throughput(cases / elapsed, cases)


async def latency(host: Host, cases: int, first: int, *, whole: bool) -> list[float]:
    """Milliseconds from submit to `closed` in intake, one case at a time on an idle platform."""
    found = []
    for body in applications(host, first, cases, whole=whole):
        started = monotonic()
        case_id = await submit(host, body)
        async with host.db.connection() as conn:
            while await conn.fetchval("SELECT status FROM intake.application WHERE id = $1", case_id) != "closed":
                # Looking costs the platform's own loop; more often than this, the look is what is measured.
                await asyncio.sleep(0.004)
        found.append((monotonic() - started) * 1000)
        await asyncio.sleep(0.05)
    return found


def p50(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


async def sizes(host: Host) -> Sizes:
    """How large the documents are that ours writes."""
    async with host.db.connection() as conn:
        row = await conn.fetchrow(
            "SELECT (SELECT avg(length(body::text)) FROM intake.application)::int,"
            ' (SELECT avg(length(body::text)) FROM coordinator."case")::int,'
            " (SELECT avg(length(body::text)) FROM elderly.item)::int"
        )
    return Sizes(*row)
