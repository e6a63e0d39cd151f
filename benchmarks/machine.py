"""Facts of the machine that a run was made on: figures of two runs can be compared only where these agree."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import statistics
import time
from pathlib import Path

import psutil

from benchmarks.ground import ground
from benchmarks.table import Figure
from shared.clock import monotonic

SYNCS, PAGE_BYTES = 200, 8192
TRIES, HASHES, HASHED_BYTES = 5, 20_000, 1024


async def measure() -> list[Figure]:
    """Cores and memory; one fsync where the database lies; what one core does alone."""
    async with ground() as here:
        sync = await asyncio.to_thread(fsync_ms, here.cluster.parent)
    memory = psutil.virtual_memory().total / 2**30
    return [
        Figure(
            "machine: cores, memory", "机器:核数,内存", f"{os.cpu_count()} × {platform.machine()}, {memory:.0f} GiB"
        ),
        Figure("machine: fsync of 8 kB, median, ms", "机器:8 kB fsync 中位数,毫秒", f"{sync:.2f}"),
        Figure(
            "machine: one core, SHA-256 of 1 kB, thousands/s",
            "机器:单核 SHA-256(1 kB),千次/秒",
            f"{hashes() / 1000:.0f}",
        ),
    ]


def fsync_ms(folder: Path) -> float:
    """The median time of one write of a page that waits for the disk, as `pg_test_fsync` does it."""
    path, page, times = folder / "fsync.probe", os.urandom(PAGE_BYTES), []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            started = monotonic()
            file.seek(0)
            file.write(page)
            os.fsync(file)
            times.append((monotonic() - started) * 1000)
    path.unlink()
    return statistics.median(times)


def hashes() -> float:
    """Hashes a second of processor time: the best of a few tries, so that neighbours disturb it little."""
    block = bytes(HASHED_BYTES)
    best = float("inf")
    for _ in range(TRIES):
        started = time.process_time()
        for _ in range(HASHES):
            hashlib.sha256(block).digest()
        best = min(best, time.process_time() - started)
    return HASHES / best
