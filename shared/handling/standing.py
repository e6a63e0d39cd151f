"""What a person may do to the handling clock of an item: pause it on a listed ground, let it run on, ask for more days.

The coordinator has the last word on every date; here a person is told at once what could not be.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from shared.catalog.model import Matter, PauseGround
from shared.catalog.protocol import Due, Extension, ItemExtended, ItemPaused, ItemResumed, Pause
from shared.clock import beijing_date
from shared.errors import Conflict, FieldError, Invalid
from shared.handling import extension, tasks
from shared.handling.limits import handling_due, working_calendar
from shared.handling.model import Item, Task
from shared.handling.procedure import OpenTask
from shared.handling.run import Run
from shared.handling.tasks import TaskDecision, TaskOutcome

EXTENSION: Final = "extension"
"""The kind of task in which a leader decides whether an item is extended."""

EXTENSION_DAYS: Final = 1
LEADER: Final = "supervisor"


def pause(run: Run, decision: TaskDecision) -> None:
    """The clock stands, on one of the matter's grounds and until about a day; `Conflict` and `Invalid` otherwise."""
    item, today = run.item, beijing_date(run.ctx.now)
    _must_run(item)
    if item.pause is not None:
        raise Conflict("ALREADY_PAUSED")
    ground = next((g for g in _grounds(run) if g.code == decision.ground), None)
    if ground is None:
        listed = "、".join(f"{g.code}({g.name})" for g in _grounds(run)) or "无"
        raise _wrong("/ground", "PAUSE_GROUND_NOT_LISTED", f"本事项可暂停的事由:{listed} / listed: {listed}")
    if decision.until is None or decision.until <= today:
        raise _wrong("/until", "REQUIRED", "请填写预计恢复日(晚于今日) / say until about when (after today)")
    if ground.longest is not None:
        latest = working_calendar().due(today, ground.longest.n, ground.longest.unit).date
        if decision.until > latest:
            raise _wrong("/until", "PAUSE_TOO_LONG", f"最长至 {latest} / at most until {latest}")
    item.pause = Pause(ground=decision.ground, since=run.ctx.now, until=decision.until)
    days = working_calendar().working_days_between(today, decision.until)
    for task in tasks.live_tasks(item):
        if task.kind != EXTENSION and task.due >= today:  # a day that was missed before stays missed
            task.paused = days
            _move(task, days)
    run.tell(ItemPaused, ground=decision.ground, until=decision.until)


def resume(run: Run, decision: TaskDecision) -> None:
    """The clock runs again; `Conflict` when it does not stand on that ground."""
    item = run.item
    if item.pause is None or item.pause.ground != decision.ground:
        raise Conflict("NOT_PAUSED")
    since, today = beijing_date(item.pause.since), beijing_date(run.ctx.now)
    item.pauses.append((since, today))
    item.pause = None
    lost = working_calendar().working_days_between(since, today)
    for task in tasks.live_tasks(item):
        if task.paused is not None:
            _move(task, lost - task.paused)
            task.paused = None
            if item.waiting_on is not None and item.waiting_on.name == task.kind:
                item.waiting_on = item.waiting_on.model_copy(update={"until": task.due})
    run.tell(ItemResumed, ground=decision.ground)


def _move(task: Task, days: int) -> None:
    """The days of a pause count for the person who works on it as little as for the office."""
    task.due = _later(task.due, days)
    task.days = None if task.days is None else task.days + days
    task.provisional = working_calendar().is_provisional(task.due)
    if task.escalate_on is not None:
        task.escalate_on = _later(task.escalate_on, days)


def _later(day: date, days: int) -> date:
    return working_calendar().add_working_days(day, days)


def propose_extension(run: Run, decision: TaskDecision) -> None:
    """Opens the leader's task: nobody extends an item by asking for it. `Conflict` for what could not be approved."""
    item, ctx = run.item, run.ctx
    assert decision.until is not None  # noqa: S101 - `take` has seen it
    allowed = _allowed(run)
    _refuse(run, decision.until)
    unit = _above(run) if allowed.above else item.unit
    data = {"until": decision.until.isoformat(), "reason_code": decision.reason_code, "asked_by": decision.by}
    spec = OpenTask(EXTENSION, EXTENSION, LEADER, EXTENSION_DAYS, decision.reason_code, unit, data, four_eyes=True)
    if tasks.open_task(item, spec, ctx, unit=unit, region=item.region, round_=item.round, barred=[decision.by]) is None:
        raise Conflict("EXTENSION_ASKED")


def decide_extension(run: Run, task: Task, decision: TaskDecision) -> None:
    """The leader's word: approved, the item is extended in that person's name; denied, its dates stay."""
    if decision.outcome != TaskOutcome.APPROVE:
        return
    to = decision.until or date.fromisoformat(task.data["until"])
    _refuse(run, to)
    reason = decision.reason_code or task.reason_code
    run.item.extension = Extension(to=to, approved_by=decision.by, reason_code=reason)
    run.tell(ItemExtended, to=to, approved_by=decision.by, reason_code=reason)


def due_here(item: Item, matter: Matter) -> Due:
    """The item's last days as its service knows them."""
    days = [beijing_date(t) for t in (item.accepted_at, item.ready_at, item.received_at) if t is not None]
    began = max([*days, *([item.received_on] if item.received_on is not None else [])])
    return handling_due(began, matter.promised, matter.legal, working_calendar(), item.pauses)


def _refuse(run: Run, to: date) -> None:
    item, matter = run.item, _matter(run)
    _must_run(item)
    unit = matter.legal or matter.promised
    if unit is None:
        raise Conflict("NO_CLOCK_RUNS")
    today, days = beijing_date(run.ctx.now), _allowed(run).days
    due = due_here(item, matter)
    code = extension.refusal(due, item.extension, to, today, unit, days, working_calendar())
    if code is not None:
        raise Conflict(code)


def _wrong(pointer: str, code: str, message: str) -> Invalid:
    return Invalid([FieldError(pointer, code, message)])


def _must_run(item: Item) -> None:
    # Under review means accepted to the coordinator, which is not told so apart.
    if item.phase != "open" or not (item.accepted_at is not None or item.reviewing):
        raise Conflict("NO_CLOCK_RUNS")


def _matter(run: Run) -> Matter:
    found = run.ctx.catalog.matters.get(run.item.matter)
    if found is None:  # it left the catalogue while this item was handled
        raise Conflict("NO_CLOCK_RUNS")
    return found


def _grounds(run: Run) -> tuple[PauseGround, ...]:
    return _matter(run).pauses


def _allowed(run: Run) -> extension.Allowed:
    matter, on = _matter(run), beijing_date(run.ctx.now)
    return extension.allowed(licence=matter.task_type == "licence", legal=matter.legal, region=run.item.region, on=on)


def _above(run: Run) -> str:
    for code in run.ctx.units.chain(run.item.unit):
        if code != run.item.unit:
            return code
    raise Conflict("NO_UNIT_ABOVE")
