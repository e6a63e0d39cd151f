"""Tasks that reach an applicant in person: a call after a correction paper without an answer, a visit where no
telephone is known. Both end when what they were for is over."""

from __future__ import annotations

from typing import Any, Final

from services.intake.domain.duties import escalations, list_tasks
from services.intake.domain.model import Application
from services.intake.domain.sealing import EVIDENCE, seal
from services.intake.domain.telling import tell
from services.intake.domain.timeline import Line
from shared.catalog.protocol import CorrectionIssued
from shared.changes import CancelTimer, Changes, Ctx, SetTimer, Timer
from shared.errors import FieldError, Invalid
from shared.handling.limits import end_of, working_days_from
from shared.handling.procedure import OpenTask
from shared.handling.tasks import TaskDecision, TaskOutcome, close, confided, decide, live_tasks, open_task

CALL, VISIT = "call_applicant", "visit_applicant"
KINDS: Final = (CALL, VISIT)
CALL_TIMER: Final = "call"
VILLAGE_PROVIDER: Final = "village_worker"
_ROLE, _ALSO = "clerk", ("town_clerk", "village_worker")


def call_later(state: Application, message: CorrectionIssued, ctx: Ctx) -> list[SetTimer | CancelTimer]:
    """When somebody calls, should the applicant not have answered the correction paper by then."""
    days = int(ctx.policy.find("call.after_days", state.accept_region, message.at).value)
    return [SetTimer(CALL_TIMER, end_of(working_days_from(message.at, days).date), {"number": message.number})]


def on_call(state: Application, timer: Timer, ctx: Ctx) -> Changes[Application]:
    """Nobody answered: the receiving unit calls, unless nothing waits for the applicant any more."""
    if not state.correcting():
        return Changes(state)
    return _open(state, CALL, "NO_ANSWER", ctx, {"number": timer.data.get("number")})


def open_visit(state: Application, topic: str, ctx: Ctx) -> Changes[Application] | None:
    """Somebody goes and tells the applicant; None where a visit is under way already."""
    if any(task.kind == VISIT for task in live_tasks(state)):
        return None
    return _open(state, VISIT, "NO_PHONE", ctx, {"topic": topic})


def _open(state: Application, kind: str, reason: str, ctx: Ctx, data: dict[str, Any]) -> Changes[Application]:
    days = int(ctx.policy.find("call.days", state.accept_region, ctx.now).value)
    role = "village_worker" if kind == VISIT else _ROLE
    spec = OpenTask(kind, "review", role, days, reason, data=data)
    receiving = state.unit or state.accept_region
    unit = state.accept_region if kind == VISIT else receiving
    task = open_task(state, spec, ctx, unit=unit, region=state.accept_region)
    if task is None:
        return Changes(state)
    task.region = state.accept_region  # who works in the village may act, though a hall received it
    task.also_roles = sorted({*task.also_roles, *_ALSO, _ROLE} - {role})
    lines = [_LINES[kind]]
    return Changes(state, timers=escalations(state), puts=[*tell(state, lines, ctx.now), *list_tasks(state)])


_LINES = {
    CALL: Line(
        "call", "补正告知尚无回音,受理窗口将与您联系。", "No answer to the correction paper yet: the window will call."
    ),
    VISIT: Line(
        "visit", "没有可用的联系电话,已请村(社区)工作人员转告。", "No telephone is known: a village worker will tell."
    ),
}
_DONE = Line("reached", "工作人员已与申请人联系。", "The applicant was reached by a person.")


def reached(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """A person called or went there. `Invalid` for an outcome other than approve (reached) or deny (not reached)."""
    if decision.outcome not in (TaskOutcome.APPROVE, TaskOutcome.DENY):
        message = "已联系到(approve)或未联系到(deny) / approve: reached, deny: not reached"
        raise Invalid([FieldError("/outcome", "NOT_ALLOWED", message)])
    task, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    state.evidence[str(task.id)] = seal(ctx.keyring, state.id, EVIDENCE, 0, confided(decision))
    lines = [_DONE] if decision.outcome is TaskOutcome.APPROVE else []
    return Changes(state, timers=escalations(state), puts=[*tell(state, lines, ctx.now), *list_tasks(state)])


def end_calls(changes: Changes[Application], ctx: Ctx) -> None:
    """Nobody need call any more: the applicant has answered, or nothing waits for them."""
    state = changes.state
    live = [task for task in live_tasks(state) if task.kind == CALL]
    for task in live:
        close(task, ctx.now)
    changes.timers.append(CancelTimer(CALL_TIMER))
    if live:
        changes.timers += escalations(state)
        changes.puts += list_tasks(state)
