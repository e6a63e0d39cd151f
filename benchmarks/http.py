"""Section `http`: applications over HTTP with the handlers at work, by an open loop in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import Progress

from benchmarks import ours
from benchmarks.cases import Families
from benchmarks.cpu import per_case
from benchmarks.flow import Watch
from benchmarks.ground import Ground, ground
from benchmarks.load import Load, load
from benchmarks.platforms import Platform, Topology, platform, topologies
from benchmarks.sizes import Size
from benchmarks.table import Figure
from shared.clock import monotonic

ANSWER_MS = 300
CLOSE_SECONDS = 10


@dataclass(frozen=True)
class Wave:
    """One load, and how long after its last application the last case closed."""

    load: Load
    closed_after: float
    open_at_end: int

    @property
    def answered_well(self) -> bool:
        """Everything was taken in, nearly all soon."""
        return not self.load.failed and not self.load.refused and self.load.percentile(95) < ANSWER_MS

    @property
    def kept_up(self) -> bool:
        """It could have gone on like this."""
        return self.answered_well and self.closed_after <= CLOSE_SECONDS


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Every topology on servers of its own."""
    found: list[Figure] = []
    for topology in topologies().values():
        async with ground() as here, platform(here, topology) as up, ours.watching(here.dsn) as watch:
            hall = Hall(here, up, watch, topology, progress)
            await hall.wave("warm", size.steps[0], size.step_seconds)
            found += await hall.steady(size.rate, size.rate_seconds)
            found += await hall.burst(size.burst, size.burst_seconds)
            found += await hall.highest(size.steps, size.step_seconds)
    return found


class Hall:
    """A platform under load."""

    def __init__(self, here: Ground, up: Platform, watch: Watch, topology: Topology, progress: Progress) -> None:
        self._here, self._up, self._watch = here, up, watch
        self._topology, self._progress = topology, progress
        self._families = Families()

    async def wave(self, what: str, rate: int, seconds: int) -> Wave:
        """One load, waited for until its last case is closed."""
        await self._up.renew()
        bodies = self._families.stops(rate * seconds)
        with self._shown(f"{what}, {rate}/s for {seconds} s, {self._topology.name}"):
            found = await load(self._up.port, self._up.token, bodies, rate)
            open_at_end = await self._watch.still_open()
            await self._watch.until_closed(*found.cases)
        return Wave(found, monotonic() - found.last, open_at_end)

    @contextmanager
    def _shown(self, text: str) -> Iterator[None]:
        task = self._progress.add_task(text, total=None)
        yield
        self._progress.remove_task(task)

    async def steady(self, rate: int, seconds: int) -> list[Figure]:
        """The promised rate: how soon applications are answered, what fails, how far closing is behind, what it costs."""
        parts = self._here.parts(*self._up.pids)
        before = parts.spent()
        wave = await self.wave("steady", rate, seconds)
        spent = parts.spent() - before
        return [
            self._figure(
                f"{rate} applications/s for {seconds} s: answered in, p50 / p95 / p99, ms",
                f"每秒 {rate} 件、{seconds} 秒:应答 p50 / p95 / p99,毫秒",
                _percentiles(wave.load),
                f"p95 < {ANSWER_MS}",
            ),
            self._figure("… refused (429) / failed, of all", "……被拒(429)/ 失败,共计", _errors(wave.load), "0 / 0"),
            self._figure(
                "… last case closed after the last application, s",
                "……最后一件申请后全部办结,秒",
                f"{wave.closed_after:.1f}",
                f"≤ {CLOSE_SECONDS}",
            ),
            self._figure("… CPU a case, ms", "……每件处理器时间,毫秒", per_case(spent, max(1, len(wave.load.cases)))),
        ]

    async def burst(self, rate: int, seconds: int) -> list[Figure]:
        """More than it can handle at once: answered all the same, and handled afterwards."""
        wave = await self.wave("burst", rate, seconds)
        return [
            self._figure(
                f"burst of {rate}/s for {seconds} s: answered in, p50 / p95 / p99, ms",
                f"突发每秒 {rate} 件、{seconds} 秒:应答 p50 / p95 / p99,毫秒",
                _percentiles(wave.load),
                f"p95 < {ANSWER_MS}",
            ),
            self._figure("… refused (429) / failed, of all", "……被拒(429)/ 失败,共计", _errors(wave.load), "- / 0"),
            self._figure(
                "… cases open at its end, and all closed after, s",
                "……结束时未办结件数,全部办结,秒",
                f"{wave.open_at_end}, {wave.closed_after:.1f}",
            ),
        ]

    async def highest(self, steps: tuple[int, ...], seconds: int) -> list[Figure]:
        """Climbs until a step is answered late, fails, or leaves closing behind."""
        held = 0
        for rate in steps:
            if not (await self.wave("step", rate, seconds)).kept_up:
                break
            held = rate
        return [
            self._figure(
                f"highest rate kept up for {seconds} s (p95 < {ANSWER_MS} ms, all closed within {CLOSE_SECONDS} s)",
                f"可持续 {seconds} 秒的最高速率(p95 < {ANSWER_MS} 毫秒,{CLOSE_SECONDS} 秒内办结)",
                f"{held}/s of {', '.join(map(str, steps))}",
            )
        ]

    def _figure(self, name: str, name_zh: str, value: str, goal: str = "") -> Figure:
        where, where_zh = self._topology.name, self._topology.name_zh
        return Figure(f"HTTP, {where}: {name}", f"HTTP,{where_zh}:{name_zh}", value, goal=goal)


def _percentiles(found: Load) -> str:
    return " / ".join(f"{found.percentile(p):.0f}" for p in (50, 95, 99))


def _errors(found: Load) -> str:
    return f"{found.refused} / {found.failed}, {len(found.sent)}"
