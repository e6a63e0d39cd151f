"""Stuck: an obligation without an unread message, a timer that would move it, an open ask, an open task, a parked row.

Each service says by one query what hangs so in its own tables; whether it is stuck or only between two steps is told
by looking again: a state that a unit of work left behind is whole at once, an answer of another service takes a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.bus.standing import Standing
from shared.clock import monotonic
from shared.db.documents import qualified
from shared.spec import Hanging

if TYPE_CHECKING:
    import asyncpg

    from shared.bus.port import Lag
    from shared.delivery.service import RunningService

HERE_SECONDS = 1.0
"""Real time that something must hang unmoved, where this service itself should have left a next step."""

ELSEWHERE_SECONDS = 60.0
"""The same where another service's answer is awaited."""


FAILS = "TIMER_OR_ANSWER_FAILS"
NOT_PUBLISHED = "NOT_PUBLISHED"
"""The bus refused a message of the case (`onewindow bus refused`)."""


class StuckView:
    """What is stuck in one service, for operators and the metric; it remembers since when each thing hangs."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._seen: dict[Hanging, _Seen] = {}
        self._lags: list[Lag] = []
        self._unpublished = 0

    async def look(self) -> list[dict[str, Any]]:
        """What is stuck now; `Transient` while database or bus do not answer."""
        await self._see()
        if any(not one.elsewhere and not self._long(one) for one in self._seen):
            await asyncio.sleep(HERE_SECONDS)
            await self._see()
        return [_shown(one) for one in self._seen if self._long(one) and not self._unread(one)]

    async def _see(self) -> None:
        # The bus before the rows: what it says is read by then has done to the rows what it does.
        self._lags = await self._service.bus.lag(self._service.spec.name)
        hangs = self._service.spec.stuck
        async with self._service.read() as conn:
            first, last = await conn.fetchrow(_OUTBOX.format(qualified(self._service.spec.delivery.outbox)))
            found = list(await hangs(self._service, conn)) if hangs is not None else []
            found += [*await self._failing(conn), *await self._refused(conn)]
        self._unpublished = first
        seen = _Seen(monotonic(), Standing.of(self._lags), last)
        self._seen = {one: self._seen.get(one, seen) for one in found}

    async def _failing(self, conn: asyncpg.Connection) -> list[Hanging]:
        """Whoever's timer or answer fails again and again: a row is there that would move it, and never will."""
        faults = await self._service.failing.told(conn, self._service.spec.delivery)
        numbers = await self._numbers(conn, [fault.aggregate_id for fault in faults])
        return [Hanging(f.aggregate_id, 0, numbers.get(f.aggregate_id, ""), FAILS) for f in faults]

    async def _refused(self, conn: asyncpg.Connection) -> list[Hanging]:
        """Whose message the bus did not take: by its case, where it is of one."""
        cases = await self._service.refused.cases(conn)
        numbers = await self._numbers(conn, cases)
        return [Hanging(case, 0, numbers.get(case, ""), NOT_PUBLISHED) for case in cases]

    async def _numbers(self, conn: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
        return {
            one["id"]: one["application_no"]
            for kind in self._service.spec.kinds
            if "application_no" in kind.table.columns and ids
            for one in await conn.fetch(
                f"SELECT id, application_no FROM {qualified(kind.table)} WHERE id = ANY($1::uuid[])", ids
            )
        }

    def _long(self, one: Hanging) -> bool:
        return monotonic() - self._seen[one].at >= (ELSEWHERE_SECONDS if one.elsewhere else HERE_SECONDS)

    def _unread(self, one: Hanging) -> bool:
        """Whether something may still be on its way of what was when it was first seen: not yet read by this service, or
        not yet out of its outbox. What came since is no reason to wait: on a busy bus something always does."""
        seen = self._seen[one]
        return 0 < self._unpublished <= seen.outbox or bool(seen.standing.behind(self._lags))


@dataclass(frozen=True, slots=True)
class _Seen:
    """When a thing was first seen hanging, and what was unread then."""

    at: float
    standing: Standing
    outbox: int


_OUTBOX = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM {} WHERE refused IS NULL"


def _shown(one: Hanging) -> dict[str, Any]:
    return {"id": one.id, "application_no": one.application_no, "reason": one.reason, "version": one.version}
