"""How cases are stored, and the lists that are read from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.coordinator.domain.state import Case
from services.coordinator.domain.status import application_status
from services.coordinator.domain.view import standing
from services.coordinator.tables import CASE, TASK
from shared.changes import Kind, Put
from shared.handling.model import Task
from shared.handling.run import task_row

CASE_KIND = "case"

STUCK_SQL = """
SELECT id, application_no, region, requested_unanswered_since AS since
FROM coordinator."case"
WHERE requested_unanswered_since <= $1
ORDER BY requested_unanswered_since, id
LIMIT $2
"""


def case_columns(case: Case) -> Mapping[str, Any]:
    """The promoted columns of a case."""
    unanswered = [i.unanswered_since for i in case.open_items() if i.unanswered_since is not None]
    return {
        "application_no": case.application_no,
        "bundle": case.bundle,
        "region": case.accept_region,
        "status": application_status([standing(item) for item in case.items.values()]).value,
        "open_count": sum(1 for _ in case.open_items()),
        "requested_unanswered_since": min(unanswered, default=None),
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


async def stuck_cases(conn: Any, before: datetime, limit: int = 500) -> list[Any]:
    """Cases with an item that was sent out before this moment and of which nothing was heard since
    (`id, application_no, region, since`); whether it is stuck or only queued, the lag must say."""
    rows: list[Any] = await conn.fetch(STUCK_SQL, before, limit)
    return rows
