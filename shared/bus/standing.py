"""Whether a group has read all that stood on the bus a while ago, however busy the bus is since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from shared.bus.port import Lag

_Where = tuple[str, str, int]


@dataclass(frozen=True)
class Standing:
    """Where each group's partitions ended at one moment."""

    ends: Mapping[_Where, int]

    @classmethod
    def of(cls, lags: Iterable[Lag]) -> Self:
        """As the bus stands now."""
        return cls({(lag.group, lag.topic, lag.partition): lag.end for lag in lags})

    def behind(self, lags: Iterable[Lag]) -> set[str]:
        """The groups that, as these later lags say, have yet to read something of what stood then."""
        return {
            lag.group for lag in lags if lag.position < self.ends.get((lag.group, lag.topic, lag.partition), lag.end)
        }


@dataclass
class Looks:
    """What the groups have read, look by look: on a busy bus nobody is ever seen with nothing left to read."""

    _last: Standing = field(default_factory=lambda: Standing({}))
    _idle: frozenset[str] = frozenset()

    def answered(self, lags: Sequence[Lag], reader: str, groups: Iterable[str]) -> set[str]:
        """The groups that have read all they were sent before the last look, and whose answers to it `reader` has read."""
        behind, waits = self._last.behind(lags), Standing({}).behind(lags)
        idle, before = frozenset(group for group in groups if group not in behind), self._idle
        self._last, self._idle = Standing.of(lags), idle
        if reader not in waits:
            return {group for group in idle if group not in waits} | before
        return set(before) if reader not in behind else set()
