"""Section `kafka`: the same cases on a real Kafka broker of this machine."""

from __future__ import annotations

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.ground import Ground, ground
from benchmarks.kafka_floor import kafka_floor
from benchmarks.sizes import Size
from benchmarks.table import Figure, Run, compared


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Throughput and cost beside the floor."""
    async with ground(kafka=True) as here:
        async with ours.platform(here) as host, ours.watching(here.dsn) as watch:
            families = Families()
            await ours.pipeline(host, watch, families.stops(size.warm), here.parts())
            bodies = families.stops(size.cases)
            found = await ours.pipeline(host, watch, bodies, here.parts(), progress)
        return compared("Kafka, three parallel stops", "Kafka,三项并联", found, await _floor(here, size, progress))


async def _floor(here: Ground, size: Size, progress: Progress) -> Run:
    assert here.kafka is not None
    progress.console.print("floor …")
    async with kafka_floor(here.dsn, here.kafka.servers, await ours.sizes(here.dsn)) as made:
        await made.run(size.warm, here.parts())
        return await made.run(size.kafka_floor_cases, here.parts())
