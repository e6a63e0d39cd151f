"""The tasks (待办) of an application: their rows in the list, and what happens when nobody takes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.intake.domain.model import Application
from services.intake.tables import TASK
from shared.changes import CancelTimer, Changes, Ctx, Put, SetTimer, Timer
from shared.errors import Poison
from shared.handling import escalation
from shared.handling.limits import end_of
from shared.handling.model import Task
from shared.handling.run import task_row
from shared.handling.tasks import LIVE

TIMER = "task"


def row(state: Application, task: Task) -> Mapping[str, Any]:
    """A task's row in the list."""
    return {
        **task_row(task, state.id),
        "matter": None,
        "application_no": state.application_no,
        "case_id": state.id,
        "item_id": None,
    }


def list_tasks(state: Application) -> list[Put]:
    """The rows of all its tasks, as they are now."""
    return [Put(TASK, row(state, task), upsert=True) for task in state.tasks]


def escalations(state: Application) -> list[SetTimer | CancelTimer]:
    """The timers by which a task that nobody takes reaches the next ones."""
    return [_timer(task) for task in state.tasks]


def _timer(task: Task) -> SetTimer | CancelTimer:
    name = f"{TIMER}:{task.id}"
    if task.escalate_on is None:
        return CancelTimer(name)
    return SetTimer(name, end_of(task.escalate_on))


def on_timer(state: Application | None, timer: Timer, ctx: Ctx) -> Changes[Application]:
    """A task's day is over: stand-in, leader or the unit above is let in."""
    if state is None:
        raise Poison("没有这个申请", "a timer of an application that is not here")
    wanted = timer.name.partition(":")[2]
    for task in state.tasks:
        if str(task.id) == wanted and task.state in LIVE:
            escalation.escalate(task, ctx)
            return Changes(state, timers=[_timer(task)], puts=[Put(TASK, row(state, task), upsert=True)])
    return Changes(state)
