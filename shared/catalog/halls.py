"""When a hall (大厅) is open: its extended Saturdays, peak days and closed days, apart from the legal calendar.

Dated, regional facts with their source, in `halls/*.yaml`. They say when people may come; what a legal date is, the
legal calendar alone says, with one bridge between the two: `counts_from`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.calendar import WorkingCalendar
from shared.clock import beijing_date
from shared.entries import Confidence, holds_on, read_entries

FOLDER = Path(__file__).with_name("halls")

Opening = Literal["normal", "extended", "peak", "closed"]
"""`peak`: open, and so many come that places are given out ahead (520、七夕)."""


class Extended(BaseModel):
    """The rest day of the week (1 Monday … 7 Sunday) on which the hall is open for longer (延时服务)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday: int
    opens: str
    closes: str


class Peak(BaseModel):
    """A day on which many come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    name: str | int


class Hall(BaseModel):
    """When one hall is open, while this is in force (both days included)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hall: str
    region: str
    effective_from: date
    effective_to: date | None = None
    confidence: Confidence
    source: str
    rest_day_counts_as: Literal["same_day", "next_working_day"] = "same_day"
    rest_day_source: str = ""
    extended: Extended | None = None
    closed: tuple[date, ...] = ()
    peaks: tuple[Peak, ...] = ()

    def holds(self, on: date) -> bool:
        """Whether it is in force on that day."""
        return holds_on(self, on)

    def opening(self, day: date, calendar: WorkingCalendar) -> Opening:
        """How the hall is open on that day."""
        if day in self.closed:
            return "closed"
        if any(peak.day == day for peak in self.peaks):
            return "peak"
        if calendar.is_working(day):
            return "normal"
        extended = self.extended is not None and day.isoweekday() == self.extended.weekday
        return "extended" if extended else "closed"


class Halls:
    """Every hall of the catalogue; a value, safe to share."""

    def __init__(self, entries: Iterable[Hall]) -> None:
        self._entries = tuple(entries)

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Self:
        """Every `*.yaml` of the folder, each a list; a wrong one is `Misconfigured`, naming its file."""
        return cls([hall for path in sorted(folder.glob("*.yaml")) for hall in read_entries(path, Hall)])

    def of(self, hall: str, on: date) -> Hall | None:
        """The hall by its unit's code, None where nothing is known of it."""
        return next((h for h in self._entries if h.hall == hall and h.holds(on)), None)

    def in_region(self, region: str, on: date) -> Hall | None:
        """The hall of this very region."""
        return next((h for h in self._entries if h.region == region and h.holds(on)), None)


@cache
def halls() -> Halls:
    """The halls of this catalogue, read at first use."""
    return Halls.load()


def counts_from(
    received_at: datetime, channel: str, region: str, calendar: WorkingCalendar, known: Halls | None = None
) -> date:
    """The legal day on which an application counts as received (收件日).

    The day itself, or the next working day where a window took it on a rest day on which its hall is open and the
    hall's rule says so.
    """
    day = beijing_date(received_at)
    if channel != "window" or calendar.is_working(day):
        return day
    hall = (known or halls()).in_region(region, day)
    shifted = hall is not None and hall.rest_day_counts_as == "next_working_day" and _open(hall, day, calendar)
    return calendar.roll_forward(day) if shifted else day


def _open(hall: Hall, day: date, calendar: WorkingCalendar) -> bool:
    return hall.opening(day, calendar) != "closed"
