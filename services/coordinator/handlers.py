"""One pure function a message; each loads nothing, decides in `domain`, and gives back changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.coordinator.domain.answers import answer
from services.coordinator.domain.correction import issue, on_delivered
from services.coordinator.domain.disputes import dispute, uphold
from services.coordinator.domain.facts import establish_fact
from services.coordinator.domain.join import advance
from services.coordinator.domain.plan import open_case
from services.coordinator.domain.rework import supplement
from services.coordinator.domain.state import Case
from services.coordinator.domain.tasks import supervise
from services.coordinator.domain.tolerance import on_commitment_found, on_lapsed
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.watch import TIMER, arm, on_clock
from services.coordinator.domain.withdrawal import on_no_answer, withdraw
from services.coordinator.store import CASE_KIND, listed
from shared.catalog.protocol import (
    UP,
    ApplicationSubmitted,
    ApplicationSupplemented,
    CommitmentFound,
    CorrectionDelivered,
    FactDisputed,
    FactEstablished,
    FactUpheld,
    MaterialsLapsed,
    WithdrawalSubmitted,
)
from shared.changes import Changes, Ctx, Handler, Timer
from shared.errors import Poison
from shared.handling.escalation import escalate
from shared.handling.run import task_timer
from shared.handling.tasks import live_tasks
from shared.messages import Message

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar


def on_application_submitted(state: Case | None, message: ApplicationSubmitted, ctx: Ctx) -> Changes[Case]:
    """Opens the case; a case that is open already stays as it is."""
    return Changes(state) if state is not None else open_case(message, ctx)


def take_step(
    case: Case, ctx: Ctx, step: Callable[[Turn], None], calendar: WorkingCalendar | None = None
) -> Changes[Case]:
    """One step on a case, then whatever it set free or brought down, and the tasks it touched."""
    turn = Turn(case, ctx, calendar)
    before = {task.id: task.model_dump() for task in case.tasks}
    step(turn)
    advance(turn)
    issue(turn)
    arm(turn)
    changes = turn.changes()
    for task in turn.tasks:
        changes.puts.append(listed(case, task))
        if timer := task_timer(task, before.get(task.id)):
            changes.timers.append(timer)
    return changes


def on_case(step: Callable[[Turn, Any], None]) -> Handler:
    """A handler that takes one step on a case; `Poison` when the case was never opened."""

    def handle(state: Case | None, message: Any, ctx: Ctx) -> Changes[Case]:
        if state is None:
            name = type(message).__name__
            raise Poison(f"没有这个办件,{name} 无法处理", f"{name} names a case that was never opened")
        return take_step(state, ctx, lambda turn: step(turn, message))

    return handle


def _on_timer(turn: Turn, timer: Timer) -> None:
    kind, _, name = timer.name.partition(":")
    if kind == TIMER:
        on_clock(turn)
    if kind == "withdrawal":
        on_no_answer(turn, timer)
    for task in live_tasks(turn.case):
        if kind == "task" and str(task.id) == name:
            if escalate(task, turn.ctx):
                supervise(turn, task)
            turn.tasks.append(task)


HANDLERS: dict[type[Message], Handler] = {
    ApplicationSubmitted: on_application_submitted,
    ApplicationSupplemented: on_case(supplement),
    WithdrawalSubmitted: on_case(withdraw),
    FactEstablished: on_case(establish_fact),
    MaterialsLapsed: on_case(on_lapsed),
    CommitmentFound: on_case(on_commitment_found),
    CorrectionDelivered: on_case(on_delivered),
    FactDisputed: on_case(dispute),
    FactUpheld: on_case(uphold),
    **dict.fromkeys(UP, on_case(answer)),
}

LOCAL: dict[tuple[str, str], Handler] = {(CASE_KIND, "timer:*"): on_case(_on_timer)}
