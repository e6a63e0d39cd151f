"""The dates an item must end by, and how a date looks today."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Protocol

from services.coordinator.domain.state import CaseItem
from shared.catalog.protocol import Due, Limit
from shared.clock import beijing_date
from shared.handling import limits
from shared.outcomes import Lamp


class LegalCalendar(Protocol):
    """What dates are reckoned with."""

    def due(self, start: date, n: int, unit: Any) -> Any:
        """The last day of a limit (`date`) and whether it may still change (`provisional`)."""


def legal_calendar() -> LegalCalendar:
    """The calendar in force, built at first use (about 50 ms)."""
    return limits.working_calendar()


def due_of(item: CaseItem, calendar: LegalCalendar) -> Due:
    """The handling clock: from acceptance, or from the decision of the last prerequisite where that is later.

    No date before both; the first day is not counted (民法典第二百零一条).
    """
    if item.accepted_at is None or item.released_at is None or item.promised is item.legal is None:
        return Due()
    start = beijing_date(max(item.accepted_at, item.released_at))
    promised, legal = _last_day(item.promised, start, calendar), _last_day(item.legal, start, calendar)
    return Due(
        promised=promised and promised.date,
        legal=legal and legal.date,
        provisional=any(d.provisional for d in (promised, legal) if d),
    )


def _last_day(limit: Limit | None, start: date, calendar: LegalCalendar) -> Any:
    return None if limit is None else calendar.due(start, limit.n, limit.unit)


def days_on(now: datetime, days: int, calendar: LegalCalendar) -> tuple[date, bool]:
    """The date `days` working days after today, and whether it is provisional."""
    due = calendar.due(beijing_date(now), days, "working")
    return due.date, due.provisional


def lamp(start: date, due: Due, today: date) -> Lamp:
    """Green, yellow near the promise, red past it, legal red past the law."""
    if due.legal is not None and today > due.legal:
        return Lamp.LEGAL_RED
    promise = due.promised or due.legal
    return Lamp.GREEN if promise is None else limits.lamp(start, promise, today)
