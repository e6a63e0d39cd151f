"""The table's lines, and the table on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.cpu import Spent, per_case

PIPELINE_GOAL = "≥ 0.15 (0.5)"


@dataclass(frozen=True)
class Figure:
    """One line of the table, its name in English and Chinese."""

    name: str
    name_zh: str
    ours: str
    floor: str = ""
    ratio: str = ""
    goal: str = ""


@dataclass(frozen=True)
class Run:
    """So many cases, in so many seconds, for so much processor time."""

    cases: int
    seconds: float
    spent: Spent

    @property
    def per_second(self) -> float:
        """Cases a second."""
        return self.cases / self.seconds

    def __add__(self, other: Run) -> Run:
        return Run(self.cases + other.cases, self.seconds + other.seconds, self.spent + other.spent)


def compared(what: str, what_zh: str, ours: Run, floor: Run) -> list[Figure]:
    """Cases a second and processor time a case, beside the floor; either ratio is better when larger."""
    cost = (floor.spent.total / floor.cases) / (ours.spent.total / ours.cases)
    return [
        Figure(
            f"{what}: cases/s",
            f"{what_zh}:件/秒",
            f"{ours.per_second:.0f}",
            f"{floor.per_second:.0f}",
            f"{ours.per_second / floor.per_second:.2f}",
            PIPELINE_GOAL,
        ),
        Figure(
            f"{what}: CPU a case, ms",
            f"{what_zh}:每件处理器时间,毫秒",
            per_case(ours.spent, ours.cases),
            per_case(floor.spent, floor.cases),
            f"{cost:.2f}",
        ),
    ]


def telling(progress: Progress, what: str, total: int) -> Callable[[int], object]:
    """A bar, and what moves it on."""
    task = progress.add_task(what, total=total)
    return lambda count: progress.advance(task, count)


def show(figures: Sequence[Figure], screen: Console) -> None:
    """The table on the screen."""
    table = Table("figure", "ours", "floor", "ratio", "goal")
    for figure in figures:
        table.add_row(figure.name, figure.ours, figure.floor, figure.ratio, figure.goal)
    screen.print(table)
