"""The dates an item must end by: the examination clock from receiving, the handling clock from acceptance."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from services.coordinator.domain.state import Case, CaseItem
from shared.catalog.protocol import Due, Limit
from shared.clock import beijing_date
from shared.handling import limits
from shared.outcomes import Nature

if TYPE_CHECKING:
    from services.coordinator.domain.turn import Turn
    from shared.calendar import WorkingCalendar

EXAMINATION = Limit(n=5, unit="working")
"""Of a plan that does not say: 行政许可法第三十二条, 五日内一次告知."""


def legal_calendar() -> WorkingCalendar:
    """The calendar in force, built at first use (about 50 ms)."""
    return limits.working_calendar()


def due_of(case: Case, item: CaseItem, calendar: WorkingCalendar) -> Due:
    """The handling clock: from acceptance, or from release by the last prerequisite where that is later.

    No date before both; the first day is not counted (民法典第二百零一条). What runs by law or on a notice is not
    accepted 受理: it runs from its release. An extension holds whatever comes later.
    """
    start = _starts(case, item)
    if start is None or item.promised is item.legal is None:
        return Due()
    due = limits.handling_due(start, item.promised, item.legal, calendar, item.pauses, item.extra)
    if item.extension is None or due.promised is None or due.promised >= item.extension.to:
        return due
    to = item.extension.to
    return due.model_copy(update={"promised": to, "legal": due.legal and max(due.legal, to)})


def _starts(case: Case, item: CaseItem) -> date | None:
    accepted = item.accepted_at
    if accepted is None and item.nature is not Nature.ON_APPLICATION:
        accepted = case.received_at
    if accepted is None or item.released_at is None:
        return None
    return max(beijing_date(max(accepted, item.released_at)), case.received_on)


def redate(turn: Turn, item: CaseItem) -> None:
    """Reckons the item's dates anew; a reminder whose day lies ahead again will be given again."""
    due = due_of(turn.case, item, turn.calendar)
    if due == item.due:
        return
    item.due = due
    turn.dates_moved = True
    if item.signs:
        today = beijing_date(turn.now)
        ahead = {name for name, day in days_of_signs(item, turn.calendar, turn.case.accept_region) if day > today}
        item.signs = {name: day for name, day in item.signs.items() if name not in ahead}


def days_of_signs(item: CaseItem, calendar: WorkingCalendar, region: str) -> list[tuple[str, date]]:
    """The days on which the handling clock turns yellow, red, and red by law."""
    promise = item.due.promised or item.due.legal
    limit = item.promised or item.legal
    if promise is None or limit is None:
        return []
    yellow = limits.yellow_day(promise, limit.n, limit.unit, calendar, region)
    days = [("yellow", yellow)] if yellow is not None else []
    if item.due.promised is not None:
        days.append(("red", limits.after(item.due.promised)))
    if item.due.legal is not None:
        days.append(("legal_red", limits.after(item.due.legal)))
    return days


def examination_of(case: Case, item: CaseItem, calendar: WorkingCalendar) -> date:
    """The last day of the item's examination clock."""
    limit = item.examination or EXAMINATION
    return calendar.due(case.received_on, limit.n, limit.unit).date


def gathered_by(case: Case, calendar: WorkingCalendar) -> date:
    """The day at whose start the correction paper goes out with what has come: the last of the shortest clock."""
    checked = [item.examination or EXAMINATION for item in case.items.values() if item.check == "formal"]
    due = limits.examination_due(case.checks_since or case.received_on, checked or [EXAMINATION], calendar)
    assert due is not None  # noqa: S101 - there is a limit
    return due.date


def days_on(now: datetime, days: int, calendar: WorkingCalendar) -> tuple[date, bool]:
    """The date `days` working days after today, and whether it is provisional."""
    due = calendar.due(beijing_date(now), days, "working")
    return due.date, due.provisional
