"""Processor time by part: of all figures the one that a busy machine disturbs least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time by part."""

    python: float = 0.0
    postgres: float = 0.0
    broker: float = 0.0

    @property
    def total(self) -> float:
        """Of all parts."""
        return self.python + self.postgres + self.broker

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.python + other.python, self.postgres + other.postgres, self.broker + other.broker)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.python - other.python, self.postgres - other.postgres, self.broker - other.broker)


@dataclass(frozen=True)
class Parts:
    """Which processes belong to which part; a server is named by its first process."""

    python: tuple[int, ...]
    postgres: int
    brokers: tuple[int, ...] = ()

    def spent(self) -> Spent:
        """What each part has used so far; the difference of two looks is what the time between cost."""
        return Spent(_own(self.python), _with_children(self.postgres), _own(self.brokers))


def _own(pids: Iterable[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(t.user + t.system for t in times)


def _with_children(pid: int) -> float:
    """Of a process, its living children, and those that ended: their time is then their parent's."""
    parent = psutil.Process(pid)
    ended = parent.cpu_times()
    found = ended.user + ended.system + ended.children_user + ended.children_system
    for child in parent.children(recursive=True):
        try:
            found += _own([child.pid])
        except psutil.NoSuchProcess:
            continue
    return found


def per_case(spent: Spent, cases: int) -> str:
    """Milliseconds a case, part by part: what is written into the table."""
    parts: Mapping[str, float] = {"Python": spent.python, "PostgreSQL": spent.postgres, "Kafka": spent.broker}
    shown = [f"{name} {seconds / cases * 1000:.2f}" for name, seconds in parts.items() if seconds]
    return f"{spent.total / cases * 1000:.2f} = " + " + ".join(shown)
