"""Timers and answers that fail by themselves: each rests longer and longer, keeps no other waiting, and is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.clock import monotonic
from shared.db.documents import qualified

if TYPE_CHECKING:
    import asyncpg

    from shared.db.tables import DeliveryTables

FIRST_REST, LONGEST_REST = 1.0, 300.0
"""Seconds of real time before a failed one is tried again: at first, and at most."""

TOLD_AFTER = 3
"""Tries after which it is told: it will hardly go through by itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One that failed: whose it is, what it was, how often, and until when (real time) it rests."""

    kind: str
    aggregate_id: UUID
    action: str
    tries: int
    until: float


class Failing:
    """What failed in this process, by the id of its timer or question."""

    def __init__(self) -> None:
        self._faults: dict[UUID, Fault] = {}

    def note(self, row: UUID, kind: str, aggregate_id: UUID, action: str) -> None:
        """It failed once more."""
        tries = self._faults[row].tries + 1 if row in self._faults else 1
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(tries - 1, 10))
        self._faults[row] = Fault(kind, aggregate_id, action, tries, monotonic() + rest)

    def clear(self, row: UUID) -> None:
        """It went through."""
        self._faults.pop(row, None)

    def resting(self) -> list[UUID]:
        """Those that are not to be tried now."""
        now = monotonic()
        return [row for row, fault in self._faults.items() if fault.until > now]

    async def told(self, conn: asyncpg.Connection, delivery: DeliveryTables) -> list[Fault]:
        """Those that failed again and again and still wait; what another process did meanwhile, or a person called off,
        is forgotten."""
        there = await conn.fetch(_THERE.format(*map(qualified, (delivery.timer, delivery.ask))), list(self._faults))
        waiting: set[Any] = {row["id"] for row in there}
        self._faults = {row: fault for row, fault in self._faults.items() if row in waiting}
        return [fault for fault in self._faults.values() if fault.tries >= TOLD_AFTER]


_THERE = """
SELECT id FROM {} WHERE id = ANY($1::uuid[])
UNION ALL SELECT id FROM {} WHERE id = ANY($1::uuid[]) AND state IN ('open', 'in_doubt')
"""
