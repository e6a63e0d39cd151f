"""Dates of tasks: working days of the legal calendar, and the moment at which a legal day is over."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

from shared.calendar import Due, WorkingCalendar
from shared.clock import BEIJING, as_utc, beijing_date
from shared.outcomes import Lamp


@cache
def working_calendar() -> WorkingCalendar:
    """The one table of working days, built at its first use."""
    return WorkingCalendar.load()


def working_days_from(now: datetime, days: int) -> Due:
    """The legal day on which a limit of so many working days, starting today, ends."""
    return working_calendar().due(beijing_date(now), days, "working")


def end_of(day: date) -> datetime:
    """The moment, in UTC, at which this legal day is over in Beijing."""
    return as_utc(datetime.combine(day + timedelta(days=1), time(), BEIJING))


def yellow_from(whole: int) -> int:
    """The working days left from which a lamp is yellow: max(1, 20 %), a part of a day counted as one."""
    return max(1, -(-whole // 5))


def lamp(opened: date, due: date, today: date) -> Lamp:
    """Red past the day, yellow when at most max(1, 20 %) of the working days are left, else green."""
    if today > due:
        return Lamp.RED
    calendar = working_calendar()
    left = calendar.working_days_between(today, due)
    return Lamp.YELLOW if left <= yellow_from(calendar.working_days_between(opened, due)) else Lamp.GREEN
