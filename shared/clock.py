"""Business time as a port, real time for waits, and new ids: the only file that asks the machine for either."""

from __future__ import annotations

import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol
from uuid import UUID

import uuid_utils.compat

from shared.errors import Conflict, Misconfigured

# A fixed offset: there has been no summer time since 1991, and no time-zone data need be installed.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
SETTING = "ONEWINDOW_CLOCK"


class Clock(Protocol):
    """Business time: limits, timers, leases of tasks, an ask's next try."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC; never blocks, never raises."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A moment that never moves."""

    def __init__(self, at: datetime) -> None:
        self._at = as_utc(at)

    def now(self) -> datetime:
        return self._at


class VirtualClock:
    """Time that stands still, or runs at `speed` times real time, and is moved forward by hand.

    The cell is in memory; with several processes a database row is the truth and feeds it through `set`.
    """

    def __init__(self, at: datetime, speed: float = 0.0) -> None:
        self._at = as_utc(at)
        self._since = monotonic()
        self.speed = speed

    def now(self) -> datetime:
        if not self.speed:
            return self._at
        return self._at + timedelta(seconds=(monotonic() - self._since) * self.speed)

    def set(self, at: datetime) -> datetime:
        """Move to `at` and answer it; the same moment again is accepted, an earlier one raises `Conflict`."""
        moment, current = as_utc(at), self.now()
        if moment < current:
            raise Conflict(
                "CLOCK_BACKWARDS",
                f"虚拟时钟不能倒退:现在是 {current.isoformat()}",
                f"the virtual clock never goes back: it is {current.isoformat()} now",
            )
        self._at, self._since = moment, monotonic()
        return moment


def as_utc(at: datetime) -> datetime:
    """The same moment in UTC; a moment without a zone raises `ValueError`."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone, as in 2026-11-21T09:00:00+08:00")
    return at.astimezone(UTC)


def parse_clock(setting: str) -> Clock:
    """The clock that `system`, `fixed:ISO` or `virtual:ISO[@speed]` asks for; anything else is `Misconfigured`."""
    kind, _, rest = setting.strip().partition(":")
    if kind == "system" and not rest:
        return SystemClock()
    try:
        if kind == "fixed":
            return FixedClock(datetime.fromisoformat(rest))
        if kind == "virtual":
            moment, at, speed = rest.partition("@")
            return VirtualClock(datetime.fromisoformat(moment), _speed(speed) if at else 0.0)
    except ValueError:
        pass
    raise Misconfigured(
        SETTING,
        f"不认识 {setting!r};应为 system、fixed:2026-11-21T09:00:00+08:00 或 virtual:2026-11-21T09:00:00+08:00@60"
        "(时刻须带时区,倍速为非负数)",
        f"{setting!r} is not understood; use system, fixed:2026-11-21T09:00:00+08:00 or"
        " virtual:2026-11-21T09:00:00+08:00@60 (the moment with its zone, the speed not negative)",
    )


def _speed(text: str) -> float:
    speed = float(text)
    if not math.isfinite(speed) or speed < 0:
        raise ValueError(text)
    return speed


def beijing_date(at: datetime) -> date:
    """The legal date of a moment: the day in Beijing; a moment without a zone raises `ValueError`."""
    return as_utc(at).astimezone(BEIJING).date()


def new_id() -> UUID:
    """A new id that sorts by the time it was made (UUID version 7)."""
    return uuid_utils.compat.uuid7()


def random_id() -> UUID:
    """A new id that nobody can guess from others or from the time (UUID version 4)."""
    return uuid_utils.compat.uuid4()


def monotonic() -> float:
    """Seconds that only grow, for waits and measurements, never for legal time."""
    return time.monotonic()
