"""What a person decides on one of the coordinator's own tasks."""

from __future__ import annotations

from uuid import UUID

from services.coordinator.domain.correction import approve, drop
from services.coordinator.domain.disputes import CONTRADICTED, retract, reverse_again, settle
from services.coordinator.domain.join import cancel
from services.coordinator.domain.rework import assign
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.tasks import (
    FACT_CHANGED,
    NEW_FINDING,
    NOT_ANSWERED,
    NOWHERE_TO_SEND,
    STUCK,
    close_moot,
)
from services.coordinator.domain.turn import Turn
from shared.codes import named
from shared.errors import FieldError, Invalid
from shared.handling import tasks
from shared.handling.decisions import not_possible
from shared.handling.model import Task
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.outcomes import FactStatus, ItemStatus

_YES_OR_NO = (TaskOutcome.APPROVE, TaskOutcome.DENY)


def decide_task(turn: Turn, decision: TaskDecision) -> Task:
    """Closes the task; one that nobody took is sent to `result.unit`, a stuck one is sent out anew on `send_back`, new
    findings are told on `approve` and dropped on `deny`, and an unanswered correction ends its item on `deny`.

    Raises what `shared.handling.tasks.decide` does, `Conflict` for an outcome that leads nowhere, and `Invalid` for a
    unit that does not exist.
    """
    asked = tasks.find(turn.case, decision.task_id)
    if asked is not None and asked.kind == NEW_FINDING and decision.outcome not in _YES_OR_NO:
        raise not_possible(decision.outcome)
    task, _ = tasks.decide(turn.case, decision, turn.now)
    turn.tasks.append(task)
    item = turn.item(UUID(task.data["item_id"]))
    if item.outcome is None and task.kind == NOWHERE_TO_SEND:
        assign(turn, item, _unit(turn, decision), decision.reason_code or task.reason_code, decision.by)
    elif item.outcome is None and task.kind == STUCK:
        _stuck(turn, item, decision)
    elif item.reversing is not None and task.kind == STUCK:
        reverse_again(turn, item)
    elif task.kind == FACT_CHANGED:
        _fact_changed(turn, task.data["fact"], decision)
    elif item.outcome is None and task.kind == NEW_FINDING:
        _new_finding(turn, item, decision)
    elif item.outcome is None and task.kind == NOT_ANSWERED and decision.outcome == TaskOutcome.DENY:
        cancel(turn, item, ItemStatus.TERMINATED, task.reason_code)
    return task


def _fact_changed(turn: Turn, name: str, decision: TaskDecision) -> None:
    """A source contradicts what it confirmed: denied, the fact is retracted; otherwise it stands. Said once for all."""
    fact = turn.case.facts[name]
    for other in turn.case.items.values():
        close_moot(turn, other, FACT_CHANGED)
    if decision.outcome == TaskOutcome.DENY and not fact.refuted:
        fact.status, fact.refuted, fact.since = FactStatus.CONTRADICTED, True, turn.now
        retract(turn, fact)
    else:
        settle(turn, fact, CONTRADICTED)


def _new_finding(turn: Turn, item: CaseItem, decision: TaskDecision) -> None:
    """Told in the supervisor's name; or dropped, and unless something told before is left, a person goes on."""
    if decision.outcome == TaskOutcome.APPROVE:
        approve(turn, item, decision.by)
    elif not drop(turn, item):
        item.to_person = True
        assign(turn, item, item.unit, "FINDING_NOT_TOLD")


def _unit(turn: Turn, decision: TaskDecision) -> str:
    unit = str(decision.result.get("unit", ""))
    if turn.ctx.units.get(unit) is None:
        there = [str(one["code"]) for one in turn.ctx.units.all()]
        raise Invalid([FieldError("/result/unit", "UNKNOWN_UNIT", named("UNKNOWN_UNIT", unit, there))])
    return unit


def _stuck(turn: Turn, item: CaseItem, decision: TaskDecision) -> None:
    item.told = None
    item.unanswered_since = turn.now
    if decision.outcome == TaskOutcome.SEND_BACK:
        assign(turn, item, item.unit, decision.reason_code or "SENT_AGAIN")
