"""Section `memory`: what the processes hold after some work, pages that they share counted once (PSS)."""

from __future__ import annotations

from collections.abc import Iterable

import psutil
from rich.progress import Progress

from benchmarks.cases import Families
from benchmarks.flow import watching
from benchmarks.ground import Ground, ground
from benchmarks.load import load
from benchmarks.platforms import Platform, one_process, platform
from benchmarks.sizes import Size
from benchmarks.table import Figure


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """One process on either bus, after some hundred cases over HTTP."""
    found = []
    for kafka, goal in ((False, "< 500"), (True, "")):
        async with ground(kafka=kafka) as here, platform(here, one_process()) as up:
            await _work(here, up, size)
            bus, bus_zh = ("Kafka", "Kafka") if kafka else ("embedded", "内置总线")
            found.append(Figure(f"{bus}: memory (PSS), MB", f"{bus_zh}:内存(PSS),MB", _by_part(here, up), goal=goal))
    return found


async def _work(here: Ground, up: Platform, size: Size) -> None:
    async with watching(here.dsn) as watch:
        sent = await load(up.port, up.token, Families().stops(size.memory_cases), size.recovery_rate)
        await watch.until_closed(*sent.cases)


def _by_part(here: Ground, up: Platform) -> str:
    server = psutil.Process(here.postmaster)
    parts = {
        "platform": _pss(map(psutil.Process, up.pids)),
        "PostgreSQL": _pss([server, *server.children(recursive=True)]),
    }
    if here.kafka is not None:
        parts["Kafka"] = _pss(map(psutil.Process, here.kafka.pids))
    return f"{sum(parts.values()):.0f} = " + " + ".join(f"{name} {size:.0f}" for name, size in parts.items())


def _pss(processes: Iterable[psutil.Process]) -> float:
    """Megabytes; a process that has just ended holds none."""
    found = 0
    for process in processes:
        try:
            found += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return found / 1e6
