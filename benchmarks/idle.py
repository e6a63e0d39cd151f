"""Section `idle`: how long one case takes on a platform that has nothing else to do."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.ground import ground
from benchmarks.kafka_floor import kafka_floor
from benchmarks.load import percentile
from benchmarks.ours import Ours
from benchmarks.platforms import one_process
from benchmarks.sizes import Size
from benchmarks.table import Figure
from shared.clock import monotonic

LOOK_SECONDS = 0.004
"""Looking costs the platform's own loop; more often than this, the look is what is measured."""

PAUSE_SECONDS = 0.05


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Three stops and the whole bundle, on both buses; the floor is Kafka's."""
    found: list[Figure] = []
    async with ground() as here, ours.platform(here, one_process()) as up:
        stops, bundles = await _both(up, size)
        found += _figures("embedded", "内置总线", stops, bundles, goals=("≤ 60", "≤ 90"))
    progress.console.print("idle on Kafka …")
    async with ground(kafka=True) as here:
        async with ours.platform(here, one_process()) as up:
            stops, bundles = await _both(up, size)
            sizes = await ours.sizes(here.dsn)
        assert here.kafka is not None
        async with kafka_floor(here.dsn, here.kafka.servers, sizes) as floor:
            await floor.latency(size.idle)
            base = await floor.latency(size.idle)
        found += _figures("Kafka", "Kafka", stops, bundles, base)
    return found


async def _both(up: Ours, size: Size) -> tuple[list[float], list[float]]:
    families = Families()
    await _latency(up, families.bundles(size.idle // 2))
    stops = await _latency(up, families.stops(size.idle))
    return stops, await _latency(up, families.bundles(size.idle))


async def _latency(up: Ours, bodies: list[dict[str, Any]]) -> list[float]:
    """Milliseconds from submit to shown closed, one case at a time."""
    found = []
    for body in bodies:
        started = monotonic()
        up.watch.expect(await up.submit(body))
        while not await up.watch.look():
            await asyncio.sleep(LOOK_SECONDS)
        found.append((monotonic() - started) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return found


def _figures(
    bus: str,
    bus_zh: str,
    stops: list[float],
    bundles: list[float],
    base: list[float] | None = None,
    goals: tuple[str, str] = ("", ""),
) -> list[Figure]:
    ratio = f"{percentile(base, 50) / percentile(stops, 50):.2f}" if base else ""
    return [
        Figure(
            f"{bus}, idle, three stops: submit → closed, p50 / p95, ms",
            f"{bus_zh},空闲,三项:提交到办结 p50 / p95,毫秒",
            _shown(stops),
            _shown(base) if base else "",
            ratio,
            goals[0],
        ),
        Figure(
            f"{bus}, idle, bereavement: submit → closed, p50 / p95, ms",
            f"{bus_zh},空闲,身后一件事:提交到办结 p50 / p95,毫秒",
            _shown(bundles),
            goal=goals[1],
        ),
    ]


def _shown(values: list[float]) -> str:
    return f"{percentile(values, 50):.0f} / {percentile(values, 95):.0f}"
