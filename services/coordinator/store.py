"""How cases are stored, and the lists that are read from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.coordinator.domain.state import Case
from services.coordinator.domain.status import application_status
from services.coordinator.domain.stuck import why_idle
from services.coordinator.domain.view import standing
from services.coordinator.domain.watch import TIMER
from services.coordinator.tables import CASE, DELIVERY, TASK
from shared.changes import Kind, Put
from shared.db.documents import shown
from shared.handling.model import Task
from shared.handling.run import task_row
from shared.handling.stuck import movers
from shared.policy import NATION
from shared.spec import Hanging

if TYPE_CHECKING:
    from shared.spec import ServiceHandle

CASE_KIND = "case"

STUCK_SQL = """
SELECT id, application_no, region, requested_unanswered_since AS since
FROM coordinator."case"
WHERE requested_unanswered_since <= $1 AND ($2::timestamptz IS NULL OR (requested_unanswered_since, id) > ($2, $3::uuid))
ORDER BY requested_unanswered_since, id
LIMIT $4
"""

_UNMOVED_SQL = f"""
SELECT c.id, c.body, c.release FROM coordinator."case" c
WHERE c.open_count > 0 AND c.requested_unanswered_since IS NULL AND NOT EXISTS ({movers("c.id", TASK, DELIVERY, but=(TIMER,))})
    AND NOT EXISTS (SELECT FROM coordinator.parked p WHERE p.key = c.id::text AND p.state <> 'discarded')
    AND EXISTS (SELECT FROM json_each(c.body->'items') i WHERE i.value->>'outcome' IS NULL AND (i.value->>'told' IS NULL
        OR (i.value->>'ready_round')::int < (i.value->>'round')::int))
    AND ($1::uuid IS NULL OR c.id > $1)
ORDER BY c.id LIMIT $2
"""

PAGE = 500
"""Cases read at a time: most open ones wait in good hands, so the few that hang may stand behind any number of them."""

MOST_TOLD = 500
"""Hanging cases told at a time: an operator sees that they are many."""


def case_columns(case: Case) -> Mapping[str, Any]:
    """The promoted columns of a case."""
    unanswered = [i.unanswered_since for i in case.items.values() if i.unanswered_since is not None]
    return {
        "application_no": case.application_no,
        "bundle": case.bundle,
        "region": case.accept_region,
        "status": application_status([standing(item) for item in case.items.values()]).value,
        "open_count": sum(1 for _ in case.open_items()),
        "requested_unanswered_since": min(unanswered, default=None),
        "new_findings": sum(paper.new for paper in case.papers),
    }


KIND = Kind(CASE_KIND, Case, CASE, case_columns)


def case_task_row(case: Case, task: Task) -> dict[str, Any]:
    """A task of a case, as its row in the list."""
    return {
        **task_row(task, case.id),
        "matter": task.data["matter"],
        "application_no": case.application_no,
        "case_id": case.id,
        "item_id": UUID(task.data["item_id"]),
    }


def listed(case: Case, task: Task) -> Put:
    """The write that brings a task's row up to date."""
    return Put(TASK, case_task_row(case, task), upsert=True)


_OTHERWISE_DATED_SQL = """
SELECT id FROM coordinator."case"
WHERE open_count > 0 AND body->>'calendar' IS DISTINCT FROM $1 AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3
"""

_NEW_FINDINGS_SQL = """
SELECT coalesce(sum(new_findings), 0)::int FROM coordinator."case" WHERE new_findings > 0
"""


async def otherwise_dated(conn: Any, version: str, after: UUID | None, limit: int = 200) -> list[UUID]:
    """Open cases that were reckoned with another calendar than this version, in id order."""
    return [row["id"] for row in await conn.fetch(_OTHERWISE_DATED_SQL, version, after, limit)]


async def new_findings(conn: Any) -> int:
    """How many findings were told only after a first paper: our fault, each of them."""
    found: int = await conn.fetchval(_NEW_FINDINGS_SQL)
    return found


async def stuck_cases(
    conn: Any, before: datetime, after: tuple[datetime, UUID] | None = None, limit: int | None = None
) -> list[Any]:
    """A page of the cases with an item that was sent out before this moment and of which nothing was heard since
    (`id, application_no, region, since`), from `after` (`since, id`) on; whether one is stuck or only queued, the lag
    must say."""
    since, identity = after or (None, None)
    rows: list[Any] = await conn.fetch(STUCK_SQL, before, since, identity, limit or PAGE)
    return rows


async def hanging_cases(handle: ServiceHandle, conn: Any) -> list[Hanging]:
    """Cases that nothing moves: an item unanswered for minutes, one in nobody's hands, or one nobody lets go on."""
    now = handle.clock.now()
    before = now - timedelta(minutes=handle.policy.find("stuck.minutes", NATION, now).value)
    unanswered = [
        Hanging(row["id"], 0, row["application_no"], "NO_ANSWER", elsewhere=True)
        for row in await stuck_cases(conn, before, limit=MOST_TOLD)
    ]
    return unanswered + await _idle_cases(conn)


async def _idle_cases(conn: Any) -> list[Hanging]:
    found: list[Hanging] = []
    last: UUID | None = None
    while len(found) < MOST_TOLD:
        rows = await conn.fetch(_UNMOVED_SQL, last, PAGE)
        cases = [shown(KIND, row) for row in rows]
        idle = [(case, reason) for case in cases if (reason := why_idle(case))]
        found += [Hanging(c.id, c.version, c.application_no, reason, elsewhere=True) for c, reason in idle]
        if len(rows) < PAGE:
            break
        last = rows[-1]["id"]
    return found
