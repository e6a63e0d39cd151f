"""Months as `YYYY-MM` texts, which sort as they follow each other, and dates moved by whole months."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def month_of(day: date) -> str:
    """The month in which a day lies."""
    return f"{day:%Y-%m}"


def first_day(month: str) -> date:
    """The month's first day; `ValueError` for a text that is no month."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """The month's last day."""
    return first_day(add_months(month, 1)) - timedelta(days=1)


def add_months(month: str, n: int) -> str:
    """The month `n` later (earlier when negative)."""
    start = first_day(month)
    index = start.year * 12 + start.month - 1 + n
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def months_from(first: str, last: str) -> list[str]:
    """Every month from `first` up to and including `last`; none when `last` comes before."""
    found = []
    while first <= last:
        found.append(first)
        first = add_months(first, 1)
    return found


def add_months_to(day: date, n: int) -> date:
    """The same day `n` months later, or that month's last day where it has no such day (民法典第二百零二条)."""
    month = first_day(add_months(month_of(day), n))
    return month.replace(day=min(day.day, monthrange(month.year, month.month)[1]))
