"""Section `recovery`: the platform, or its broker, killed under load and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.progress import Progress

from benchmarks.cases import Families
from benchmarks.flow import Watch, watching
from benchmarks.ground import Ground, ground
from benchmarks.load import Load, load
from benchmarks.platforms import Platform, one_process, platform
from benchmarks.sizes import Size
from benchmarks.table import Figure
from shared.clock import monotonic

EARLY_SECONDS = 0.5
"""How long before the last application the blow falls: some are on their way then, and some find nobody."""


@dataclass(frozen=True)
class Back:
    """Seconds from the restart until it was ready, until a case handed in afterwards closed, until all had."""

    ready: float
    first: float
    everything: float
    in_flight: int


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """The platform on either bus; the broker."""
    found: list[Figure] = []
    async with _site(kafka=False) as site:
        found.append(_figure("platform on the embedded bus", "内置总线上的平台", await site.platform_killed(size)))
    progress.console.print("recovery on Kafka …")
    async with _site(kafka=True) as site:
        found.append(_figure("platform on Kafka", "Kafka 上的平台", await site.platform_killed(size)))
        found.append(_figure("Kafka's broker", "Kafka 节点", await site.broker_killed(size)))
    return found


@asynccontextmanager
async def _site(*, kafka: bool) -> AsyncIterator[Site]:
    async with ground(kafka=kafka) as here, platform(here, one_process()) as up, watching(here.dsn) as watch:
        yield Site(here, up, watch)


class Site:
    """A platform that is about to be struck."""

    def __init__(self, here: Ground, up: Platform, watch: Watch) -> None:
        self._here, self._up, self._watch = here, up, watch
        self._families = Families()

    async def platform_killed(self, size: Size) -> Back:
        """SIGKILL to every process of the platform, then a start as usual."""
        running = await self._under_load(size)
        await self._up.kill()
        in_flight, restarted = await self._watch.still_open(), monotonic()
        await self._up.start()
        return await self._back(running, in_flight, restarted)

    async def broker_killed(self, size: Size) -> Back:
        """SIGKILL to the broker, then a start on the same data; the platform is left to itself."""
        kafka = self._here.kafka
        assert kafka is not None
        running = await self._under_load(size)
        kafka.kill()
        in_flight, restarted = await self._watch.still_open(), monotonic()
        kafka.start_node(1)
        await asyncio.to_thread(kafka.wait)
        return await self._back(running, in_flight, restarted)

    async def _under_load(self, size: Size) -> asyncio.Task[Load]:
        """The load, about to end: the generator has been sending for all but the last moment."""
        there = await self._watch.received()
        bodies = self._families.stops(size.recovery_rate * size.recovery_seconds)
        running = asyncio.create_task(load(self._up.port, self._up.token, bodies, size.recovery_rate))
        while await self._watch.received() == there and not running.done():
            await asyncio.sleep(0.02)
        await asyncio.sleep(size.recovery_seconds - EARLY_SECONDS)
        return running

    async def _back(self, running: asyncio.Task[Load], in_flight: int, restarted: float) -> Back:
        ready = monotonic() - restarted
        await self._watch.until_closed(await self._up.submit(self._families.stops(1)[0]))
        first = monotonic() - restarted
        await self._watch.until_closed(*(await running).cases)
        return Back(ready, first, monotonic() - restarted, in_flight)


def _figure(what: str, what_zh: str, back: Back) -> Figure:
    return Figure(
        f"{what} killed: s until ready / a new case is closed / all {back.in_flight} in flight are",
        f"{what_zh}被 kill -9:重新就绪 / 新件办结 / 在途 {back.in_flight} 件全部办结,秒",
        f"{back.ready:.1f} / {back.first:.1f} / {back.everything:.1f}",
    )
