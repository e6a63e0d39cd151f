"""Tolerance (容缺受理, elderly_onewindow 3.4; 国发〔2022〕5号): a secondary material follows by a day that was promised.

Until it comes the coordinator holds what would be granted: 到期不补不发证. One timer an application stands at the end of
the earliest day promised; when a day passes, the receiving unit is given a task.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.intake.domain import timeline
from services.intake.domain.duties import escalations, list_tasks
from services.intake.domain.facts import to_coordinator
from services.intake.domain.model import Application, Tolerance
from services.intake.domain.telling import tell
from shared.catalog.protocol import ItemView, MaterialsLapsed
from shared.changes import CancelTimer, Changes, Ctx, SetTimer, Timer
from shared.clock import beijing_date
from shared.errors import FieldError, Invalid, Poison
from shared.handling.limits import end_of
from shared.handling.procedure import OpenTask
from shared.handling.tasks import TaskDecision, TaskOutcome, close, decide, live_tasks, open_task
from shared.outcomes import FINAL_ITEM

TIMER = "tolerance"
OVERDUE = "tolerance_overdue"
"""The kind of task in which somebody reminds the applicant, or ends what lacks its material (容缺逾期)."""

OVERDUE_DAYS = 2
ROLE = "clerk"
LAPSED = "TOLERANCE_LAPSED"


def promised(state: Application) -> list[Tolerance]:
    """What is promised with the application as it is handed in."""
    return [
        Tolerance(material=m.type, promise_by=m.promise_by)
        for m in state.materials
        if m.source == "deferred" and m.promise_by is not None
    ]


def timer(state: Application) -> list[SetTimer | CancelTimer]:
    """The one timer: the end of the earliest day promised that has not passed."""
    days = [t.promise_by for t in state.tolerances if t.state == "open"]
    return [SetTimer(TIMER, end_of(min(days)))] if days else [CancelTimer(TIMER)]


def cure(state: Application, came: Iterable[str], ctx: Ctx) -> Changes[Application]:
    """Of the materials that came now, those that were promised are there; a task about them has nothing left to do."""
    kinds = set(came)
    if not any(t.material in kinds and t.state != "cured" for t in state.tolerances):
        return Changes(state)
    state.tolerances = [t.model_copy(update={"state": "cured"}) if t.material in kinds else t for t in state.tolerances]
    if not any(t.state == "overdue" for t in state.tolerances):
        for task in live_tasks(state):
            if task.kind == OVERDUE:
                close(task, ctx.now)
    return Changes(state, timers=[*timer(state), *escalations(state)], puts=list_tasks(state))


def on_timer(state: Application | None, fired: Timer, ctx: Ctx) -> Changes[Application]:
    """A day that was promised is over."""
    if state is None:
        raise Poison("没有这个申请", "a timer of an application that is not here")
    late = _late(state, beijing_date(ctx.now))
    if not late:
        return Changes(state, timers=timer(state))
    state.tolerances = [t.model_copy(update={"state": "overdue"}) if t in late else t for t in state.tolerances]
    if not owing(state, {t.material for t in late}, ctx):
        return Changes(state, timers=timer(state))
    data = {"materials": [t.material for t in late]}
    spec = OpenTask(OVERDUE, "review", ROLE, OVERDUE_DAYS, "TOLERANCE_OVERDUE", data=data)
    open_task(state, spec, ctx, unit=state.unit or state.accept_region, region=state.accept_region)
    puts = [*tell(state, [timeline.overdue([t.material for t in late])], ctx.now), *list_tasks(state)]
    return Changes(state, timers=[*timer(state), *escalations(state)], puts=puts)


def _late(state: Application, today: date) -> list[Tolerance]:
    return [t for t in state.tolerances if t.state == "open" and t.promise_by < today]


def owing(state: Application, kinds: Iterable[str], ctx: Ctx) -> list[ItemView]:
    """The open items that lack one of these materials."""
    lacking = set(kinds)
    return [
        i
        for i in state.items
        if i.status not in FINAL_ITEM and lacking & {n.type for n in ctx.catalog.matters[i.matter].materials}
    ]


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """Somebody looked at what is overdue: `send_back` reminds and goes on waiting, `deny` ends the items that lack it.

    `Invalid` for another outcome: the material itself comes by a supplement.
    """
    if decision.outcome not in (TaskOutcome.SEND_BACK, TaskOutcome.DENY):
        message = "材料请通过补正提交;此处只能催告(send_back)或终止(deny) / remind by send_back or end by deny"
        raise Invalid([FieldError("/outcome", "NOT_ALLOWED", message)])
    _, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    state.acted = list(dict.fromkeys([*state.acted, decision.by]))
    kinds = [t.material for t in state.tolerances if t.state == "overdue"]
    changes = Changes(state, timers=escalations(state))
    if decision.outcome is TaskOutcome.DENY and (items := owing(state, kinds, ctx)):
        ended = MaterialsLapsed(case_id=state.id, items=tuple(i.item_id for i in items), reason_code=LAPSED)
        changes.emits.append(to_coordinator(state, ended))
    changes.puts += [*tell(state, [timeline.reminded(kinds, ended=bool(changes.emits))], ctx.now), *list_tasks(state)]
    return changes
