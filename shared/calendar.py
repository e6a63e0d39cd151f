"""Legal working days: one table a calendar version, looked up in microseconds, honest about unpublished years."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Literal, Self

import chinese_calendar
import yaml

from shared.entries import read_yaml
from shared.errors import Misconfigured

Unit = Literal["working", "calendar"]
FIRST_YEAR, LAST_YEAR = 2000, 2098  # statutory_days.yaml holds the festivals to 2099
STATUTORY_DAYS = Path(__file__).with_name("statutory_days.yaml")
_DAY = timedelta(days=1)

Span = tuple[date, date]
"""A pause: the day it began, which still counts, and the day it ended, which does not."""


@dataclass(frozen=True, slots=True)
class Due:
    """A legal date in Beijing; `provisional` when it rests on a year whose holidays are not published yet."""

    date: date
    provisional: bool


class WorkingCalendar:
    """Which days are working days from 2000 to 2098; dates outside raise `ValueError`.

    Years held by chinesecalendar are exact; others are weekends and the 13 statutory days, without
    make-up days, and provisional; a local override (a day declared working or not) wins over both and
    makes that day known.
    """

    def __init__(self, working: list[int], provisional: list[int], version: str) -> None:
        self._working = working  # ordinals of the working days, ascending
        self._working_set = frozenset(working)
        self._provisional = provisional  # ordinals of the days nobody has published, ascending
        self.version = version

    @classmethod
    def load(cls, overrides: Mapping[date, bool] | None = None) -> Self:
        """Build the table once (about 50 ms); `overrides` says of single days whether they are working days."""
        local = dict(overrides or {})
        working, provisional = [], []
        known = {day.year for day in chinese_calendar.holidays}
        guessed_rest = _statutory_days(y for y in range(FIRST_YEAR, LAST_YEAR + 1) if y not in known)
        day, end = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
        while day <= end:
            published = day.year in known
            rest = chinese_calendar.holidays if published else guessed_rest
            extra = published and day in chinese_calendar.workdays
            if local.get(day, extra or (day.weekday() < 5 and day not in rest)):
                working.append(day.toordinal())
            if not published and day not in local:
                provisional.append(day.toordinal())
            day += _DAY
        return cls(working, provisional, _version(local))

    def is_working(self, day: date) -> bool:
        """Whether offices work on this day (make-up Saturdays and Sundays included)."""
        return _ordinal(day) in self._working_set

    def is_provisional(self, day: date) -> bool:
        """Whether the day's year is not published, so that the answer may still change."""
        return self._any_provisional(_ordinal(day) - 1, day.toordinal())

    def due(self, start: date, n: int, unit: Unit, *, roll: bool = False, pauses: Sequence[Span] = ()) -> Due:
        """The last day of a limit of `n` days; the start itself is not counted (民法典第二百零一条).

        Days in a pause do not count, and once however many pauses hold them. `roll` moves a last day that is a rest
        day to the next working day (民法典第二百零三条); working-day limits never need it. A negative `n` raises
        `ValueError`.
        """
        if n < 0:
            raise ValueError("a limit is not negative")
        day = self._nth(start, n, unit)
        if pauses:
            day = self._past(start, n, unit, day, _joined(pauses))
        provisional = unit == "working" and self._any_provisional(start.toordinal(), day.toordinal())
        if roll:
            rolled = self.roll_forward(day)
            provisional = provisional or self._any_provisional(day.toordinal() - 1, rolled.toordinal())
            day = rolled
        return Due(day, provisional)

    def days_between(self, start: date, end: date, unit: Unit) -> int:
        """How many days of the unit lie after `start` up to and including `end`; 0 when `end` is not later."""
        return self.working_days_between(start, end) if unit == "working" else max(0, (end - start).days)

    def _nth(self, start: date, n: int, unit: Unit) -> date:
        return self.add_working_days(start, n) if unit == "working" else start + n * _DAY

    def _past(self, start: date, n: int, unit: Unit, day: date, pauses: Sequence[Span]) -> date:
        """The n-th day that counts: each day lost to a pause is made up for, and those days may lie in a pause too."""
        while True:
            lost = sum(self.days_between(max(begun, start), min(ended, day), unit) for begun, ended in pauses)
            later = self._nth(start, n + lost, unit)
            if later == day:
                return day
            day = later

    def add_working_days(self, start: date, n: int) -> date:
        """The n-th working day after `start` (before it when negative); `start` itself for 0."""
        ordinal = _ordinal(start)
        if n == 0:
            return start
        index = bisect_right(self._working, ordinal) + n - 1 if n > 0 else bisect_left(self._working, ordinal) + n
        if not 0 <= index < len(self._working):
            raise ValueError(f"the working-day table ends before {n} working days from {start}")
        return date.fromordinal(self._working[index])

    def roll_forward(self, day: date) -> date:
        """The day itself when it is a working day, else the next working day (民法典第二百零三条)."""
        return day if self.is_working(day) else self.add_working_days(day, 1)

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and including `end`; 0 when `end` is not later."""
        return max(0, bisect_right(self._working, _ordinal(end)) - bisect_right(self._working, _ordinal(start)))

    def _any_provisional(self, after: int, until: int) -> bool:
        return bisect_right(self._provisional, after) < bisect_right(self._provisional, until)


def read_overrides(path: Path, setting: str) -> dict[date, bool]:
    """The local override table: YAML `days: {2026-12-31: working | rest}`; a wrong one is `Misconfigured`."""
    try:
        days = read_yaml(path)["days"]
        if all(type(day) is date and word in ("working", "rest") for day, word in days.items()):
            return {day: word == "working" for day, word in days.items()}
    except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError):
        pass
    raise Misconfigured(
        setting,
        f"{path} 应为 YAML,形如 days: {{2026-12-31: working}},取值 working 或 rest",
        f"{path} must be YAML like days: {{2026-12-31: working}}, each day working or rest",
    )


def _joined(pauses: Sequence[Span]) -> list[Span]:
    """The same days in pauses that do not overlap."""
    joined: list[Span] = []
    for begun, ended in sorted(pauses):
        if joined and begun <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], ended)
        else:
            joined.append((begun, ended))
    return joined


def _ordinal(day: date) -> int:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the working-day table holds {FIRST_YEAR} to {LAST_YEAR}, not {day}")
    return day.toordinal()


def _statutory_days(years: Iterable[int]) -> frozenset[date]:
    facts = read_yaml(STATUTORY_DAYS)
    return frozenset(day for year in years for day in _statutory_days_of(year, facts))


def _statutory_days_of(year: int, facts: Mapping[str, Any]) -> Iterable[date]:
    for month_day in facts["solar"]:
        yield date.fromisoformat(f"{year}-{month_day}")
    for day, name in chinese_calendar.get_solar_terms(date(year, 1, 1), date(year, 12, 31)):
        if name in facts["solar_terms"]:
            yield day
    for festival, month_day in zip(facts["lunar"], facts["festivals"][year], strict=True):
        own_day = date.fromisoformat(f"{year}-{month_day}")
        yield from (own_day + offset * _DAY for offset in festival["days"])


def _version(overrides: Mapping[date, bool]) -> str:
    base = f"chinesecalendar-{installed('chinesecalendar')}"
    if not overrides:
        return base
    lines = "\n".join(f"{day} {working}" for day, working in sorted(overrides.items()))
    return f"{base}+{hashlib.sha256(lines.encode()).hexdigest()[:12]}"
