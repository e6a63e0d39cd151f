"""Section `embedded`: everything in one process, on the embedded database and bus."""

from __future__ import annotations

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.floor import floor
from benchmarks.ground import Ground, ground
from benchmarks.platforms import one_process
from benchmarks.sizes import Size
from benchmarks.table import Figure, Run, compared, telling
from shared.clock import monotonic


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Throughput and cost beside the floor, and how soon the services are ready."""
    async with ground() as here:
        started = monotonic()
        async with ours.platform(here, one_process()) as up:
            ready = monotonic() - started
            families = Families()
            await up.pipeline(families.stops(size.warm))
            bodies = families.stops(size.cases)
            base = await _floor(here, size)
            found = await up.pipeline(bodies, telling(progress, "embedded", size.cases))
    return [
        *compared("embedded, three parallel stops", "内置总线,三项并联", found, base),
        Figure("services ready after the database, s", "数据库起来后各服务就绪,秒", f"{ready:.1f}", goal="< 10"),
    ]


async def _floor(here: Ground, size: Size) -> Run:
    async with floor(here.dsn, await ours.sizes(here.dsn)) as made:
        await made.run(size.warm, here.parts())
        return await made.run(size.floor_cases, here.parts())
