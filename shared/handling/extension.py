"""Extension (延期): once, before the promise is over, by a named leader, for as many days as the law allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.calendar import WorkingCalendar
from shared.catalog.protocol import Due, Extension, Limit
from shared.handling.figures import clock_policy
from shared.policy import PolicyEntry


@dataclass(frozen=True, slots=True)
class Allowed:
    """By how many days a limit may be extended, whether only the leader above may do so (联合办理), and by which law."""

    days: int
    above: bool = False
    law: str = ""


def allowed(*, licence: bool, legal: Limit | None, region: str, on: date) -> Allowed:
    """What may be extended of a matter there on that day (行政许可法第四十二条)."""

    def figure(name: str) -> PolicyEntry:
        return clock_policy().find(f"extension.{name}", region, on)

    joint = licence and legal is not None and legal.n >= int(figure("joint_limit").value)
    entry = figure("joint_days" if joint else "licence_days" if licence else "other_days")
    return Allowed(int(entry.value), joint, entry.cite())


def refusal(
    due: Due, before: Extension | None, to: date, today: date, unit: Limit, days: int, calendar: WorkingCalendar
) -> str | None:
    """Why an item that ends on these days may not be extended to that day, by code; None when it may."""
    promise = due.promised or due.legal
    if before is not None:
        return "ALREADY_EXTENDED"
    if promise is None:
        return "NO_CLOCK_RUNS"
    if today > promise:
        return "EXTENSION_LATE"
    if to <= promise:
        return "EXTENSION_NOT_LATER"
    latest = calendar.due(due.legal or promise, days, unit.unit).date
    return "EXTENSION_TOO_LONG" if to > latest else None
