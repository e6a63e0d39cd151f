"""Section `embedded`: everything in one process, on the embedded database and bus."""

from __future__ import annotations

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.floor import floor
from benchmarks.ground import Ground, ground
from benchmarks.sizes import Size
from benchmarks.table import Figure, Run, compared
from shared.clock import monotonic


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Throughput and cost beside the floor, and how soon the services are ready."""
    async with ground() as here:
        started = monotonic()
        async with ours.platform(here) as host, ours.watching(here.dsn) as watch:
            ready = monotonic() - started
            families = Families()
            await ours.pipeline(host, watch, families.stops(size.warm), here.parts())
            bodies = families.stops(size.cases)
            before = await _floor(here, size, progress)
            found = await ours.pipeline(host, watch, bodies, here.parts(), progress)
        return [
            *compared("embedded, three parallel stops", "内置总线,三项并联", found, before),
            Figure("services ready after the database, s", "数据库起来后各服务就绪,秒", f"{ready:.1f}", goal="< 10"),
        ]


async def _floor(here: Ground, size: Size, progress: Progress) -> Run:
    progress.console.print("floor …")
    async with floor(here.dsn, await ours.sizes(here.dsn)) as made:
        await made.run(size.warm, here.parts())
        return await made.run(size.floor_cases, here.parts())
