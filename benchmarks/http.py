"""Section `http`: applications over HTTP with the handlers at work, by an open loop in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.progress import Progress

from benchmarks.cases import Families
from benchmarks.cpu import per_case
from benchmarks.flow import Watch, watching
from benchmarks.ground import Ground, ground
from benchmarks.load import Load, load
from benchmarks.platforms import Platform, Topology, one_process, platform, three_processes
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

    def __str__(self) -> str:
        return (
            f"201 after {_percentiles(self.load)} ms, 429 {self.load.refused}, failed {self.load.failed},"
            f" all closed after {self.closed_after:.1f} s; the generator used {self.load.own_ms:.2f} ms of CPU each"
        )

    @property
    def answered_well(self) -> bool:
        """Everything was taken in, nearly all soon."""
        return not self.load.failed and not self.load.refused and self.load.percentile(95) < ANSWER_MS

    @property
    def kept_up(self) -> bool:
        """It could have gone on like this."""
        return self.answered_well and self.closed_after <= CLOSE_SECONDS


async def measure(size: Size, progress: Progress) -> list[Figure]:
    """Every topology on servers of its own; the promised rate where the window has a process of its own, the highest of both."""
    found: list[Figure] = []
    for topology, promised in ((one_process(), False), (three_processes(), True)):
        async with ground() as here, platform(here, topology) as up, watching(here.dsn) as watch:
            hall = Hall(here, up, watch, topology, progress.console.print)
            await hall.wave(size.steps[0], size.step_seconds)
            if promised:
                found += await hall.steady(size.rate, size.rate_seconds)
                found += await hall.burst(size.burst, size.burst_seconds)
            found += await hall.highest(size.steps, size.step_seconds)
    return found


class Hall:
    """A platform under load."""

    def __init__(
        self, here: Ground, up: Platform, watch: Watch, topology: Topology, say: Callable[[str], object]
    ) -> None:
        self._here, self._up, self._watch = here, up, watch
        self._topology, self._say = topology, say
        self._families = Families()

    async def wave(self, rate: int, seconds: int) -> Wave:
        """One load, waited for until its last case is closed."""
        await self._up.sign_in()
        bodies = self._families.stops(rate * seconds)
        found = await load(self._up.port, self._up.token, bodies, rate)
        open_at_end = await self._watch.still_open()
        await self._watch.until_closed(*found.cases)
        wave = Wave(found, monotonic() - found.last, open_at_end)
        self._say(f"  {self._topology.name}, {rate}/s for {seconds} s: {wave}")
        return wave

    async def steady(self, rate: int, seconds: int) -> list[Figure]:
        """The promised rate: how soon applications are answered, what fails, how far closing is behind, what it costs."""
        parts = self._here.parts(*self._up.pids)
        before = parts.spent()
        wave = await self.wave(rate, seconds)
        spent = parts.spent() - before
        return [
            *self._answers(f"{rate}/s for {seconds} s", f"每秒 {rate} 件共 {seconds} 秒", wave.load, "0 / 0"),
            self._figure(
                f"{rate}/s: all closed after the last application, s",
                f"每秒 {rate} 件:最后一件申请之后全部办结,秒",
                f"{wave.closed_after:.1f}",
                f"≤ {CLOSE_SECONDS}",
            ),
            self._figure(
                f"{rate}/s: CPU a case, ms",
                f"每秒 {rate} 件:每件处理器时间,毫秒",
                per_case(spent, max(1, len(wave.load.cases))),
            ),
        ]

    async def burst(self, rate: int, seconds: int) -> list[Figure]:
        """More than it can handle at once: answered all the same, and handled afterwards."""
        wave = await self.wave(rate, seconds)
        return [
            *self._answers(
                f"burst of {rate}/s for {seconds} s", f"突发每秒 {rate} 件共 {seconds} 秒", wave.load, "- / 0"
            ),
            self._figure(
                "burst: cases open at its end / s until all are closed",
                "突发:结束时在办件数 / 全部办结,秒",
                f"{wave.open_at_end} / {wave.closed_after:.0f}",
            ),
        ]

    async def highest(self, steps: tuple[int, ...], seconds: int) -> list[Figure]:
        """Climbs until a step is answered late, fails, or leaves closing behind."""
        held = 0
        for rate in steps:
            if not (await self.wave(rate, seconds)).kept_up:
                break
            held = rate
        return [
            self._figure(
                f"highest rate kept up for {seconds} s (of {', '.join(map(str, steps))}), applications/s",
                f"能持续 {seconds} 秒的最高速率(试 {', '.join(map(str, steps))}),件/秒",
                f"{held}",
            )
        ]

    def _answers(self, what: str, what_zh: str, found: Load, goal: str) -> list[Figure]:
        return [
            self._figure(
                f"{what}: 201 after p50 / p95 / p99, ms",
                f"{what_zh}:201 应答 p50 / p95 / p99,毫秒",
                _percentiles(found),
                f"p95 < {ANSWER_MS}",
            ),
            self._figure(
                f"{what}: 429 / failed, of {len(found.sent)}",
                f"{what_zh}:429 / 失败,共 {len(found.sent)} 件",
                f"{found.refused} / {found.failed}",
                goal,
            ),
        ]

    def _figure(self, name: str, name_zh: str, value: str, goal: str = "") -> Figure:
        where, where_zh = self._topology.name, self._topology.name_zh
        return Figure(f"HTTP, {where}, {name}", f"HTTP,{where_zh},{name_zh}", value, goal=goal)


def _percentiles(found: Load) -> str:
    return " / ".join(f"{found.percentile(p):.0f}" for p in (50, 95, 99))
