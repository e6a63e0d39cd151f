"""`make bench`: every figure beside the floor of the same run, its ratio and its goal."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import floor, joint
from benchmarks.readme import write_tables
from shared.clock import monotonic
from shared.db.postgres import EmbeddedPostgres
from shared.runtime.cli.running import loop_factory

CASES = int(os.environ.get("ONEWINDOW_BENCH_CASES", "1000"))
IDLE_CASES = 40
screen = Console()


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: str
    floor: str
    ratio: str
    goal: str


async def run(folder: Path, progress: Progress) -> list[Figure]:
    """Starts a server of its own, measures ours, then the floor on the same server."""
    postgres = EmbeddedPostgres(folder / "data")
    dsn = await asyncio.to_thread(postgres.start)
    try:
        return await _measure(dsn, postgres.cluster, folder, progress)
    finally:
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.remove)


async def _measure(dsn: str, cluster: Path, folder: Path, progress: Progress) -> list[Figure]:
    started = monotonic()
    async with joint.platform(dsn, folder) as host:
        ready = monotonic() - started
        await joint.throughput(host, 64, 1, progress)
        ours = await joint.throughput(host, CASES, 1000, progress)
        memory = pss(cluster)
        progress.console.print("idle latency …")
        stops = joint.p50(await joint.latency(host, IDLE_CASES, 1_000_000, whole=False))
        bundle = joint.p50(await joint.latency(host, IDLE_CASES, 2_000_000, whole=True))
        sizes = await joint.sizes(host)
    progress.console.print("floor …")
    base = await floor.measure(dsn, sizes, CASES)
    ratio = ours.per_second / base
    return [
        Figure(
            "joint cases/s, three parallel stops",
            f"{ours.per_second:.0f}",
            f"{base:.0f}",
            f"{ratio:.2f}",
            "≥ 0.15 (0.5)",
        ),
        Figure("idle p50 submit → closed, three stops, ms", f"{stops:.0f}", "", "", "≤ 60"),
        Figure("idle p50 submit → closed, bereavement, ms", f"{bundle:.0f}", "", "", "≤ 90"),
        Figure("services ready after the database, s", f"{ready:.1f}", "", "", "< 10"),
        Figure("PSS of all processes after the run, MB", f"{memory:.0f}", "", "", "< 500"),
    ]


def pss(cluster: Path) -> float:
    """Megabytes of this process and of its database's, shared pages counted once."""
    server = psutil.Process(int((cluster / "postmaster.pid").read_text("ascii").split()[0]))
    found = 0
    for process in [psutil.Process(), server, *server.children(recursive=True)]:
        try:
            found += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found / 1e6


def show(figures: list[Figure]) -> None:
    """The table on the screen."""
    table = Table("figure", "ours", "floor", "ratio", "goal")
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.floor, figure.ratio, figure.goal)
    screen.print(table)


def main() -> None:
    """Runs everything; `--write` puts the table into the READMEs."""
    folder = Path(tempfile.mkdtemp(prefix="onewindow-bench-"))
    try:
        with (
            Progress(console=screen, transient=True) as progress,
            asyncio.Runner(loop_factory=loop_factory()) as runner,
        ):
            figures = runner.run(run(folder, progress))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(figures)
    if "--write" in sys.argv:
        write_tables([(f.name, f.value, f.floor, f.ratio, f.goal) for f in figures])


if __name__ == "__main__":
    main()
