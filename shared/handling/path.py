"""Until when a whole case is to end (全案): the longest way through its items, one after the other (elderly_onewindow 3.5).

Side by side the latest counts; one after the other the day on which the first ends is the day on which the next begins.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from shared.calendar import WorkingCalendar
from shared.catalog.protocol import Due, Limit
from shared.outcomes import ItemStatus

NOTHING_DECIDED: Final = frozenset({ItemStatus.WITHDRAWN, ItemStatus.TERMINATED, ItemStatus.NOT_ACCEPTED})
"""Ends that came to nothing: whatever was promised of such an item counts no more."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Leg(Generic[K]):
    """One item on the way: which others come before it, and the day on which its clock began, or begins at the latest.

    `due` are its dates where its clock runs, `ended` the day on which it was decided; one that is not `sure` may still
    move, since its clock has not begun, or stands.
    """

    start: date
    after: tuple[K, ...] = ()
    promised: Limit | None = None
    legal: Limit | None = None
    due: Due = Due()
    ended: date | None = None
    sure: bool = True

    @property
    def dated(self) -> bool:
        """Whether its own clock has said when it is to end."""
        return self.due.promised is not None or self.due.legal is not None


def whole_due(legs: Mapping[K, Leg[K]], calendar: WorkingCalendar) -> Due | None:
    """The last days of the whole, as promised and by law; None where nothing is limited.

    By law every item takes what the law gives it, or what is promised where the law sets nothing; None by law where it
    limits none of them. Provisional while something that another waits for is not decided, or a date may still move.
    """
    if not any(leg.dated or ((leg.promised or leg.legal) and leg.ended is None) for leg in legs.values()):
        return None
    promise = _Way(legs, calendar, lambda leg: leg.promised or leg.legal, lambda due: due.promised or due.legal)
    law = _Way(legs, calendar, lambda leg: leg.legal or leg.promised, lambda due: due.legal or due.promised)
    by_law = any(leg.due.legal or (leg.legal and leg.ended is None) for leg in legs.values())
    promised, legal = promise.last(), law.last() if by_law else None
    moves = promise.provisional or law.provisional or any(_moves(leg, legs) for leg in legs.values())
    return Due(promised=promised, legal=legal, provisional=moves)


def _moves(leg: Leg[K], legs: Mapping[K, Leg[K]]) -> bool:
    """Whether an open item's date may still move: its clock does not run, or it waits for what is not decided."""
    if leg.ended is not None:
        return False
    waits = not leg.dated and any(before in legs and legs[before].ended is None for before in leg.after)
    return waits or not leg.sure or leg.due.provisional


class _Way(Generic[K]):
    """The ends of all items, each worked out once."""

    def __init__(
        self,
        legs: Mapping[K, Leg[K]],
        calendar: WorkingCalendar,
        limit: Callable[[Leg[K]], Limit | None],
        date_of: Callable[[Due], date | None],
    ) -> None:
        self._legs, self._calendar, self._limit, self._date = legs, calendar, limit, date_of
        self._ends: dict[K, date] = {}
        self.provisional = False

    def last(self) -> date | None:
        """The last day of what is open; once all is decided, the last day on which any of it was to end."""
        if days := [self._end(key) for key, leg in self._legs.items() if leg.ended is None]:
            return max(days)
        ends = (self._date(leg.due) for leg in self._legs.values())
        return max((day for day in ends if day is not None), default=None)

    def _end(self, key: K) -> date:
        """From when on what comes after it may go on."""
        if key not in self._ends:
            leg = self._legs[key]
            self._ends[key] = leg.ended or self._date(leg.due) or self._reckoned(leg)
        return self._ends[key]

    def _reckoned(self, leg: Leg[K]) -> date:
        begins = max([leg.start, *(self._end(before) for before in leg.after if before in self._legs)])
        limit = self._limit(leg)
        if limit is None:
            return begins
        due = self._calendar.due(begins, limit.n, limit.unit)
        self.provisional = self.provisional or due.provisional
        return due.date
