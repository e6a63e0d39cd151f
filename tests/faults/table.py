"""What came of all rounds, a row a fault and bus."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.faults.rounds import Outcome

WIDTH = 110
"""Also where no terminal says how wide it is, no name is cut."""

COLUMNS = ("fault", "bus", "rounds", "cases", "lost", "twice", "stuck", "recovery_s")


def rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """A row a fault and bus in the order they came; `recovery_s` is the longest of its rounds."""
    grouped: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault((outcome.fault, outcome.bus), []).append(outcome)
    return [_row(fault, bus, part) for (fault, bus), part in grouped.items()]


def _row(fault: str, bus: str, part: list[Outcome]) -> tuple[str, ...]:
    sums = (sum(getattr(outcome, name) for outcome in part) for name in ("cases", "lost", "twice", "stuck"))
    return fault, bus, str(len(part)), *map(str, sums), f"{max(outcome.recovery_s for outcome in part):.1f}"


def show(outcomes: Iterable[Outcome]) -> None:
    """Prints the table."""
    table = Table(title="faults", show_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in {"fault", "bus"} else "right", no_wrap=True)
    for row in rows(outcomes):
        table.add_row(*row)
    Console(width=WIDTH).print(table)
