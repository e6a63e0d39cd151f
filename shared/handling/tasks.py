"""Tasks (待办) as pure functions over any state that holds some: open, claim, release, decide, close.

A task is claimed by lease; who lost it, or acts on an old state, is told who holds it and how it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from shared.calendar import WorkingCalendar
from shared.catalog.protocol import Finding
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.errors import Conflict, Refused, RefusedError
from shared.handling import escalation
from shared.handling.limits import working_days_from
from shared.handling.model import DecisionRecord, Task
from shared.handling.procedure import OpenTask
from shared.http.principal import RoleInUnit
from shared.messages import derived_id
from shared.regions import covers

LIVE: Final = ("open", "claimed")
LEASE: Final = timedelta(minutes=30)
FOUR_EYES_LAW: Final = "经办与审批应为不同的人 / two different persons must act"


class TaskOutcome(StrEnum):
    """What a person may decide on a task."""

    ACCEPT = "accept"
    NOT_ACCEPT = "not_accept"
    APPROVE = "approve"
    DENY = "deny"
    NOT_APPLICABLE = "not_applicable"
    REQUEST_CORRECTION = "request_correction"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    RETURN = "return"
    SEND_BACK = "send_back"


INTERIM: Final = (TaskOutcome.PAUSE, TaskOutcome.RESUME, TaskOutcome.EXTEND)
"""Recorded while the task stays with its holder."""


class Tasked(Protocol):
    """Any aggregate with tasks."""

    id: UUID
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class TaskDecision:
    """A person's decision as it came in, `name` is that of whose account `by` is. `comment`, `name`, `result.hearing.said`
    and `result.personal` are personal."""

    task_id: UUID
    lease: UUID
    outcome: TaskOutcome
    by: str
    reason_code: str = ""
    comment: str = ""
    findings: tuple[Finding, ...] = ()
    ground: str = ""
    until: date | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


def find(state: Tasked, task_id: UUID) -> Task | None:
    """The task, or None."""
    return next((t for t in state.tasks if t.id == task_id), None)


def live_tasks(state: Tasked) -> list[Task]:
    """The tasks that are open or claimed."""
    return [t for t in state.tasks if t.state in LIVE]


def open_task(
    state: Tasked, spec: OpenTask, ctx: Ctx, *, unit: str, region: str, round_: int = 1, barred: Iterable[str] = ()
) -> Task | None:
    """Opens a task unless a live one of its kind is there (then None); its id is the same however often redone."""
    if any(t.kind == spec.kind for t in live_tasks(state)):
        return None
    number = sum(t.kind == spec.kind for t in state.tasks) + 1
    due = working_days_from(ctx.now, spec.days)
    where = ctx.units.get(spec.unit or unit)
    task = Task(
        id=derived_id(state.id, spec.kind, round_, number),
        kind=spec.kind,
        stage=spec.stage,
        unit=spec.unit or unit,
        role=spec.role,
        region=str(where["region"]) if where else region,
        due=due.date,
        provisional=due.provisional,
        days=spec.days,
        reason_code=spec.reason_code,
        data=dict(spec.data),
        barred=sorted(set(barred)) if spec.four_eyes else [],
        escalate_on=due.date,
        opened_at=ctx.now,
    )
    escalation.if_nobody_may(task, ctx)
    state.tasks.append(task)
    return task


def may_act(task: Task, account: str, roles: Iterable[RoleInUnit], on: date | None = None) -> bool:
    """Whether an account may claim it: its role held where the task lies, or let in by escalation; four eyes aside.

    `on` is the Beijing day, on which a stand-in's last one may be over.
    """
    wanted = {task.role, *task.also_roles}
    over = on is not None and account in task.until and task.until[account] < on
    return (account in task.admitted and not over) or any(
        r.role in wanted and covers(r.region, task.region) for r in roles
    )


def claim(state: Tasked, task_id: UUID, account: str, now: datetime, lease: timedelta = LEASE) -> Task:
    """Gives the task to this account until the lease ends; again by its holder renews it.

    `Conflict` (`TASK_CLAIMED`, naming the holder; `TASK_CLOSED`), `RefusedError` (`FOUR_EYES`).
    """
    task = _live(state, task_id)
    refuse_barred(task, account)
    if _held(task, now) and task.holder != account:
        raise Conflict(
            "TASK_CLAIMED",
            f"该待办已由 {task.holder} 领取,至 {_at(task.lease_until)}",
            f"{task.holder} holds this task until {_at(task.lease_until)}",
        )
    if not _held(task, now):
        task.lease = derived_id(task.id, "lease", account, now.isoformat())
    task.state, task.holder, task.lease_until = "claimed", account, now + lease
    return task


def release(state: Tasked, task_id: UUID, account: str) -> Task:
    """Gives the task back; by one who does not hold it: `Conflict` (`LEASE_LOST`)."""
    task = _live(state, task_id)
    if task.holder != account:
        raise _lost(task)
    free(task)
    return task


def decide(state: Tasked, decision: TaskDecision, now: datetime) -> tuple[Task, DecisionRecord]:
    """Takes a decision by the holder of the lease and closes the task, unless the outcome is interim.

    `Conflict` (`LEASE_LOST`, `TASK_CLOSED`, each with the present state), `RefusedError` (`FOUR_EYES`). The record
    holds nothing personal: that is `confided(decision)`.
    """
    task = _live(state, decision.task_id)
    refuse_barred(task, decision.by)
    if not _held(task, now) or task.lease != decision.lease or task.holder != decision.by:
        raise _lost(task)
    record = DecisionRecord(
        task_id=task.id,
        kind=task.kind,
        stage=task.stage,
        outcome=decision.outcome,
        reason_code=decision.reason_code,
        by=decision.by,
        at=now,
        result=_public(decision.result),
    )
    if decision.outcome not in INTERIM:
        close(task, now, "done")
    return task, record


def confided(decision: TaskDecision) -> dict[str, Any]:
    """What of a decision is personal, for the sealed notes: `comment`, `hearing`, `personal`."""
    found = {"comment": decision.comment, **{k: decision.result.get(k) for k in ("hearing", "personal")}}
    return {name: value for name, value in found.items() if value}


def redate(task: Task, calendar: WorkingCalendar) -> bool:
    """Reckons a live task's date anew, and that of its first escalation with it; whether anything moved.

    One that was dated before its days were kept stays as it is, and so does an escalation that has begun.
    """
    if task.days is None or task.state not in LIVE:
        return False
    due = calendar.due(beijing_date(task.opened_at), task.days, "working")
    day = min(task.due, due.date)
    if (day, due.provisional) == (task.due, task.provisional):
        return False
    if task.escalation == 0 and task.escalate_on == task.due:
        task.escalate_on = day
    task.due, task.provisional = day, due.provisional
    return True


def close(task: Task, now: datetime, state: str = "cancelled") -> None:
    """Ends a live task; a closed one stays as it is."""
    if task.state in LIVE:
        task.state, task.closed_at, task.lease, task.lease_until = state, now, None, None
        task.escalate_on = None


def free(task: Task) -> None:
    """Takes the task from its holder."""
    task.state, task.holder, task.lease, task.lease_until = "open", None, None, None


def refuse_barred(task: Task, account: str) -> None:
    """`RefusedError` (`FOUR_EYES`) for one who acted in this matter before."""
    if account in task.barred:
        raise RefusedError(Refused("FOUR_EYES", FOUR_EYES_LAW))


def _public(result: Mapping[str, Any]) -> dict[str, Any]:
    shown = {k: v for k, v in result.items() if k not in ("hearing", "personal")}
    hearing = result.get("hearing")
    return {**shown, "hearing": {"at": hearing.get("at")}} if isinstance(hearing, Mapping) else shown


def _live(state: Tasked, task_id: UUID) -> Task:
    task = find(state, task_id)
    if task is None:
        raise Conflict("UNKNOWN_TASK")
    if task.state not in LIVE:
        raise Conflict("TASK_CLOSED", f"该待办已是 {task.state}", f"this task is {task.state}")
    return task


def _held(task: Task, now: datetime) -> bool:
    return task.state == "claimed" and task.lease_until is not None and now < task.lease_until


def _lost(task: Task) -> Conflict:
    holder = task.holder or "-"
    return Conflict(
        "LEASE_LOST",
        f"您未持有该待办:状态 {task.state},领取人 {holder};请重新领取",
        f"you do not hold this task: it is {task.state}, held by {holder}; claim it again",
    )


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment else "-"
