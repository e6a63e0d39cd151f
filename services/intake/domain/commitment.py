"""Commitment (告知承诺, 国办发〔2020〕42号): told in writing, freely signed, no proof asked for, checked later by a day.

One that proves false revokes what was granted on it, and its signer may commit to nothing more until that is repaired.
"""

from __future__ import annotations

from typing import Any

from services.intake.domain import timeline
from services.intake.domain.duties import escalations, list_tasks
from services.intake.domain.facts import to_coordinator
from services.intake.domain.model import Application, Commitment, Method
from services.intake.domain.sealing import EVIDENCE, seal
from services.intake.domain.telling import tell
from services.intake.tables import BAR
from shared.catalog.commitments import CommitmentText, commitments
from shared.catalog.model import MaterialNeed
from shared.catalog.parties import MaterialIn
from shared.catalog.protocol import CommitmentFound, ItemView
from shared.changes import Changes, Ctx, Put, SetTimer, Timer
from shared.clock import beijing_date
from shared.errors import Conflict, FieldError, Invalid, Poison
from shared.handling.limits import end_of, working_calendar
from shared.handling.procedure import OpenTask
from shared.handling.tasks import TaskDecision, TaskOutcome, confided, decide, live_tasks, open_task
from shared.outcomes import FINAL_ITEM, Channel, ItemStatus

TIMER = "commitment"
VERIFY = "verify_commitment"
"""The kind of task in which somebody checks whether what was committed to is true (承诺核查)."""

FOLLOW_UP = "false_commitment"
"""The kind of task in which a person sees to what was paid on a false commitment by matters that stand without it."""

VERIFY_DAYS = 5
ROLE = {"receiving": "clerk", "deciding": "handler"}
FALSE = "FALSE_COMMITMENT"
_ELECTRONIC = frozenset({Channel.ONLINE, Channel.MOBILE})


def signed(state: Application, given: list[MaterialIn]) -> list[Commitment]:
    """What was committed to with these materials, each with the text that was told and the day of its check."""
    return [
        _signed(state, material, text)
        for material in given
        if material.source == "commitment"
        and (text := commitments().of(material.type, state.accept_region, beijing_date(state.handed_in_at)))
    ]


def _signed(state: Application, material: MaterialIn, text: CommitmentText) -> Commitment:
    day = beijing_date(state.handed_in_at)
    said = material.commitment
    method: Method = "electronic" if state.channel in _ELECTRONIC else "written"
    return Commitment(
        material=material.type,
        version=text.version,
        informed_at=said.informed_at if said else state.received_at,
        signed_at=said.signed_at if said else state.received_at,
        method=said.method if said and said.method else method,
        verify_due=working_calendar().due(day, text.verify.n, text.verify.unit).date,
    )


def timer(state: Application) -> list[SetTimer]:
    """The one timer: the end of the earliest day on which something is to be checked."""
    days = [c.verify_due for c in state.commitments if c.state == "open"]
    return [SetTimer(TIMER, end_of(min(days)))] if days else []


def on_timer(state: Application | None, fired: Timer, ctx: Ctx) -> Changes[Application]:
    """The day of a check has come: a task for each that something rests on."""
    if state is None:
        raise Poison("没有这个申请", "a timer of an application that is not here")
    today = beijing_date(ctx.now)
    for n, made in enumerate(state.commitments):
        if made.state == "open" and made.verify_due < today:
            state.commitments[n] = made.model_copy(update=_due(state, made, ctx))
    return Changes(state, timers=[*timer(state), *escalations(state)], puts=list_tasks(state))


def _due(state: Application, made: Commitment, ctx: Ctx) -> dict[str, Any]:
    rests = resting(state, made.material, ctx)
    if not rests:
        return {"state": "moot"}
    if any(task.kind == VERIFY for task in live_tasks(state)):  # one after the other
        return {"verify_due": working_calendar().due(beijing_date(ctx.now), VERIFY_DAYS, "working").date}
    _open_check(state, made, rests, ctx)
    return {"state": "checking"}


def resting(state: Application, material: str, ctx: Ctx) -> list[ItemView]:
    """The items that were granted on a material, or may be."""
    return [i for i in _used(state) if _need(i, material, ctx) is not None]


def _used(state: Application) -> list[ItemView]:
    return [i for i in state.items if i.status is ItemStatus.APPROVED or i.status not in FINAL_ITEM]


def _need(item: ItemView, material: str, ctx: Ctx) -> MaterialNeed | None:
    return next((n for n in ctx.catalog.matters[item.matter].materials if n.type == material), None)


def _open_check(state: Application, made: Commitment, rests: list[ItemView], ctx: Ctx) -> None:
    text = commitments().told(made.material, made.version)
    by = text.verified_by if text else "receiving"
    unit = rests[0].unit if by == "deciding" else state.unit or state.accept_region
    data = {"material": made.material, "version": made.version}
    spec = OpenTask(VERIFY, "review", ROLE[by], VERIFY_DAYS, "COMMITMENT_DUE", data=data)
    open_task(state, spec, ctx, unit=unit, region=state.accept_region)


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """What a person found: approve: it is true; deny: it is false, with the evidence; send_back: it is not clear, and is
    looked into again after the same time.

    `Invalid` for another outcome, or for a false one without evidence (`result.evidence` or a comment).
    """
    if decision.outcome not in (TaskOutcome.APPROVE, TaskOutcome.DENY, TaskOutcome.SEND_BACK):
        message = "只能为属实(approve)、不实(deny)或暂不能查清(send_back) / true, false or not clear"
        raise Invalid([FieldError("/outcome", "NOT_ALLOWED", message)])
    evidence = str(decision.result.get("evidence") or "")
    if decision.outcome is TaskOutcome.DENY and not (evidence or decision.comment):
        message = "认定承诺不实须写明证据 / name the evidence that it is false"
        raise Invalid([FieldError("/result/evidence", "REQUIRED", message)])
    task, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    state.evidence[str(task.id)] = seal(
        ctx.keyring, state.id, EVIDENCE, 0, {**confided(decision), "evidence": evidence}
    )
    state.acted = list(dict.fromkeys([*state.acted, decision.by]))
    changes = Changes(state)
    _found(changes, str(task.data["material"]), decision.outcome, ctx)
    changes.timers += [*timer(state), *escalations(state)]
    changes.puts += list_tasks(state)
    return changes


def followed_up(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """What was paid on a false commitment was seen to, however: the decision says how."""
    _, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    return Changes(state, timers=escalations(state), puts=list_tasks(state))


def _found(changes: Changes[Application], material: str, outcome: TaskOutcome, ctx: Ctx) -> None:
    state = changes.state
    at = next(n for n, made in enumerate(state.commitments) if made.material == material and made.state == "checking")
    made = state.commitments[at]
    update: dict[str, Any] = {"state": "true" if outcome is TaskOutcome.APPROVE else "false"}
    if outcome is TaskOutcome.SEND_BACK:
        text = commitments().told(material, made.version)
        limit = text.verify if text else None
        due = working_calendar().due(
            beijing_date(ctx.now), limit.n if limit else VERIFY_DAYS, limit.unit if limit else "working"
        )
        update = {"state": "open", "verify_due": due.date}
    state.commitments[at] = made.model_copy(update=update)
    if update["state"] == "false":
        _revoke(changes, made, ctx)
    changes.puts += tell(state, [timeline.commitment(str(update["state"]))], ctx.now)


def _revoke(changes: Changes[Application], made: Commitment, ctx: Ctx) -> None:
    """Has what could not be without it reversed, or ended where nothing is granted yet; has a person see to the rest;
    and keeps its signer from committing again."""
    state = changes.state
    text = commitments().told(made.material, made.version)
    needs = {i.item_id: (i, _need(i, made.material, ctx)) for i in resting(state, made.material, ctx)}
    required = tuple(item_id for item_id, (_, need) in needs.items() if need is not None and need.required)
    if required:
        found = CommitmentFound(
            case_id=state.id,
            material=made.material,
            items=required,
            reason_code=FALSE,
            law=text.cite() if text else "",
        )
        changes.emits.append(to_coordinator(state, found))
    if beside := [i.matter for item_id, (i, _) in needs.items() if item_id not in required]:
        # What stands on other ground stands (the dead are dead); what was paid on the commitment, a person gets back.
        data = {"material": made.material, "matters": beside}
        spec = OpenTask(FOLLOW_UP, "review", "supervisor", VERIFY_DAYS, FALSE, data=data)
        open_task(state, spec, ctx, unit=state.unit or state.accept_region, region=state.accept_region)
    bar = {
        "person_ref": state.applicant_ref,
        "case_id": state.id,
        "since": ctx.now,
        "lifted_at": None,
        "lifted_by": None,
    }
    changes.puts.append(Put(BAR, bar, upsert=True))


def repaired(state: Application, ctx: Ctx) -> Changes[Application]:
    """The signer has made good for it (信用修复): commitments are open to them again. `Conflict` where none was false."""
    if not any(made.state == "false" for made in state.commitments):
        raise Conflict("NOT_FALSE")
    state.commitments = [
        made.model_copy(update={"state": "repaired"}) if made.state == "false" else made for made in state.commitments
    ]
    bar = {"person_ref": state.applicant_ref, "case_id": state.id, "since": ctx.now, "lifted_at": ctx.now}
    return Changes(state, puts=[Put(BAR, {**bar, "lifted_by": ctx.actor}, upsert=True)])


def barred() -> FieldError:
    """The applicant committed falsely before, and that is not repaired."""
    words = "此前承诺不实且未修复,不适用告知承诺,请提交材料 / an earlier commitment was false: bring the paper"
    return FieldError("/materials", "COMMITMENT_BARRED", f"{words}: 国办发〔2020〕42号【摘】")
