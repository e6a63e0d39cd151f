"""Section `kafka`: the same cases on a real Kafka broker of this machine."""

from __future__ import annotations

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.ground import Ground, ground
from benchmarks.kafka_floor import kafka_floor
from benchmarks.platforms import Topology, two_processes
from benchmarks.sizes import Size
from benchmarks.table import Figure, Run, compared, telling


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Throughput and cost in two processes beside the floor."""
    topology = two_processes()
    async with ground(kafka=True) as here:
        run, base = await _both(here, topology, size, progress)
    where, where_zh = f"Kafka, {topology.name}, three parallel stops", f"Kafka,{topology.name_zh},三项并联"
    return compared(where, where_zh, run, base)


async def _both(here: Ground, topology: Topology, size: Size, progress: Progress) -> tuple[Run, Run]:
    async with ours.platform(here, topology) as up:
        families = Families()
        await up.pipeline(families.stops(size.warm))
        run = await up.pipeline(families.stops(size.cases), telling(progress, f"Kafka, {topology.name}", size.cases))
    return run, await _floor(here, size)


async def _floor(here: Ground, size: Size) -> Run:
    assert here.kafka is not None
    async with kafka_floor(here.dsn, here.kafka.servers, await ours.sizes(here.dsn)) as made:
        await made.run(size.warm, here.parts())
        return await made.run(size.kafka_floor_cases, here.parts())
