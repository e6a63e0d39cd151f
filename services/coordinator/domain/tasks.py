"""What the coordinator itself needs a person for: a supervisor, where rules end, or an operator, where things hang."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.coordinator.domain.clocks import days_on
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import Supervision
from shared.handling.model import Task
from shared.handling.tasks import close, live_tasks
from shared.messages import derived_id

LATE_RESULT_DONE: Final = "late_result_done"
NOWHERE_TO_SEND: Final = "nowhere_to_send"
FACT_CHANGED: Final = "fact_changed"
STUCK: Final = "stuck"
NEW_FINDING: Final = "new_finding"
CHECK_SILENT: Final = "check_silent"
EXAMINATION_OVER: Final = "examination_over"
DEEMED_ACCEPTED: Final = "deemed_accepted"
OVERDUE: Final = "overdue"
OVERDUE_BY_LAW: Final = "overdue_by_law"
PAUSE_OVER: Final = "pause_over"
NOT_ANSWERED: Final = "not_answered"
SUPERVISED: Final = frozenset({EXAMINATION_OVER, OVERDUE, OVERDUE_BY_LAW, PAUSE_OVER})
"""Tasks that tell somebody of what is late, by a slip of supervision (督办单, elderly_onewindow 3.5)."""
_MOOT_AT_END: Final = (
    *(NOWHERE_TO_SEND, STUCK, NEW_FINDING, CHECK_SILENT, EXAMINATION_OVER, DEEMED_ACCEPTED),
    *(OVERDUE, OVERDUE_BY_LAW, PAUSE_OVER, NOT_ANSWERED),
)


def open_task(
    turn: Turn, kind: str, role: str, item: CaseItem, reason_code: str, *, unit: str | None = None, **data: Any
) -> None:
    """Opens a task in the item's unit, or another, unless the item has a live one of its kind; its id is the same
    however often redone."""
    case = turn.case
    if any(tasks_of(turn, item, kind)):
        return
    number = sum(task.kind == kind for task in case.tasks) + 1
    days = turn.ctx.policy.find(f"task.{role}_days", case.accept_region, turn.now).value
    due, provisional = days_on(turn.now, days, turn.calendar)
    task = Task(
        id=derived_id(case.id, kind, item.id, number),
        kind=kind,
        stage=role,
        unit=unit or item.unit,
        role=role,
        region=case.accept_region,
        due=due,
        provisional=provisional,
        days=days,
        reason_code=reason_code,
        data={"item_id": str(item.id), "matter": item.matter, "round": item.round, **data},
        escalate_on=due,
        opened_at=turn.now,
    )
    case.tasks.append(task)
    turn.tasks.append(task)
    supervise(turn, task)


def supervise(turn: Turn, task: Task) -> None:
    """Who was told by this task that something is late, as everyone concerned sees it; told again when it goes up."""
    item = turn.case.items.get(UUID(task.data["item_id"]))
    if task.kind not in SUPERVISED or item is None or item.outcome is not None:
        return
    item.supervision = Supervision(
        kind=task.kind,
        number=item.supervision.number + 1 if item.supervision is not None else 1,
        unit=task.unit,
        since=date.fromisoformat(task.data["since"]),
        answer_by=task.escalate_on or task.due,
        at=turn.now,
    )


def tasks_of(turn: Turn, item: CaseItem, *kinds: str) -> Iterator[Task]:
    """The item's live tasks of these kinds."""
    return (t for t in live_tasks(turn.case) if t.kind in kinds and t.data["item_id"] == str(item.id))


def close_moot(turn: Turn, item: CaseItem, *kinds: str) -> None:
    """Cancels the item's tasks that have nothing left to decide."""
    for task in list(tasks_of(turn, item, *(kinds or _MOOT_AT_END))) if turn.case.tasks else ():
        close(task, turn.now)
        turn.tasks.append(task)
