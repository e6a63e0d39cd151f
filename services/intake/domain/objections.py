"""Objections (异议) to an established fact, above all a death: 我还健在.

Raising one holds back at once whatever rests on the fact; a supervisor of the receiving unit has one working day. The
fact stands, and what was held goes on, or it is retracted, and what was done on it is undone in every service.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from services.intake.domain import timeline
from services.intake.domain.duties import escalations, list_tasks
from services.intake.domain.facts import EVENTS, OBJECTION_CHECK, to_coordinator
from services.intake.domain.model import Application, FactState, Objection
from services.intake.domain.sealing import EVIDENCE, REASON, seal
from services.intake.domain.telling import tell
from shared.catalog.protocol import CaseMessage, FactDisputed, FactEstablished, FactUpheld, LifeEventReported
from shared.changes import Changes, Ctx, Emit
from shared.codes import named
from shared.errors import Conflict, FieldError, Invalid
from shared.handling.procedure import OpenTask
from shared.handling.tasks import TaskDecision, TaskOutcome, confided, decide, open_task
from shared.messages import derived_id
from shared.outcomes import FactStatus, ItemStatus

DAYS: Final = 1
ROLE: Final = "supervisor"
GROUND: Final = "OBJECTION"
SOURCE: Final = "SOURCE_CONTRADICTS"
DEATH: Final = "death_confirmed"
UNDONE: Final = frozenset({ItemStatus.APPROVED, ItemStatus.DENIED, ItemStatus.NOT_APPLICABLE})

Reason = Literal["alive", "wrong_person", "wrong_date", "other"]


def raise_objection(
    state: Application, fact: str | None, reason: str, words: str, ground: str, ctx: Ctx
) -> tuple[Changes[Application] | None, Objection]:
    """The objection, new or the one that is being looked into already (then nothing changes).

    `Invalid` for a fact of which the application knows nothing; `Conflict` (`FACT_RETRACTED`) for one retracted already.
    """
    name = _fact_of(state, fact, ctx)
    if state.facts[name].refuted:
        raise Conflict("FACT_RETRACTED")
    known = next((o for o in state.objections if o.fact == name and o.ground == ground and o.state == "open"), None)
    if known is not None:
        return None, known
    identity = derived_id(state.id, "objection", len(state.objections) + 1)
    made = Objection(id=identity, fact=name, ground=ground, reason=reason, by=ctx.actor, raised_at=ctx.now)
    state.objections.append(made)
    if words:
        state.evidence[str(identity)] = seal(ctx.keyring, state.id, REASON, 0, {"comment": words})
    _open_task(state, made, ctx)
    disputed = FactDisputed(case_id=state.id, fact=name, ground=ground)
    puts = [*tell(state, [timeline.objected()], ctx.now), *list_tasks(state)]
    return Changes(state, emits=[to_coordinator(state, disputed)], timers=escalations(state), puts=puts), made


def _fact_of(state: Application, fact: str | None, ctx: Ctx) -> str:
    """The fact meant; one that no item waits for, but some would fall with, was never asked of a source."""
    matters = [ctx.catalog.matters[i.matter] for i in state.items if i.matter in ctx.catalog.matters]
    rested_on = dict.fromkeys((*state.facts, *(name for m in matters for name in m.rests_on)))
    name = fact or next(iter(rested_on), "")
    if name in rested_on:
        state.facts.setdefault(name, FactState(source="", status=FactStatus.CONFIRMED))
    else:
        raise Invalid([FieldError("/fact", "UNKNOWN_FACT", named("UNKNOWN_FACT", name, rested_on))])
    return name


def _open_task(state: Application, objection: Objection, ctx: Ctx) -> None:
    """Who raised it, and whoever found out before that the fact is so, looks not into it."""
    data = {"fact": objection.fact, "objection": str(objection.id), "reason": objection.reason}
    spec = OpenTask(OBJECTION_CHECK, "review", ROLE, DAYS, objection.ground, data=data, four_eyes=True)
    unit = state.unit or state.accept_region
    barred = {objection.by, *(d.by for d in state.decisions)}
    open_task(state, spec, ctx, unit=unit, region=state.accept_region, barred=barred)


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """What a person found: approve lets the fact stand, deny retracts it; either on evidence that is named.

    `Invalid` for another outcome, or where no evidence is named (`result.evidence` or a comment).
    """
    if decision.outcome not in (TaskOutcome.APPROVE, TaskOutcome.DENY):
        message = "只能维持(approve)或更正(deny)该事实 / approve lets the fact stand, deny retracts it"
        raise Invalid([FieldError("/outcome", "NOT_ALLOWED", message)])
    evidence = str(decision.result.get("evidence") or "")
    if not (evidence or decision.comment):
        message = "请写明所依据的证据 / name the evidence that was seen"
        raise Invalid([FieldError("/result/evidence", "REQUIRED", message)])
    task, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    confidence = {**confided(decision), "evidence": evidence}
    state.evidence[str(task.id)] = seal(ctx.keyring, state.id, EVIDENCE, 0, confidence)
    state.acted = list(dict.fromkeys([*state.acted, decision.by]))
    objection = next(o for o in state.objections if str(o.id) == task.data["objection"])
    if decision.outcome is TaskOutcome.APPROVE:
        return _unfounded(state, objection, f"task:{task.id}", ctx)
    return _upheld(state, objection, f"task:{task.id}", ctx)


def _unfounded(state: Application, objection: Objection, evidence: str, ctx: Ctx) -> Changes[Application]:
    _replace(state, objection, state="unfounded", decided_at=ctx.now)
    said = FactUpheld(case_id=state.id, fact=objection.fact, ground=objection.ground, evidence=evidence)
    puts = [*tell(state, [timeline.objection_unfounded()], ctx.now), *list_tasks(state)]
    return Changes(state, emits=[to_coordinator(state, said)], timers=escalations(state), puts=puts)


def _upheld(state: Application, objection: Objection, evidence: str, ctx: Ctx) -> Changes[Application]:
    _replace(state, objection, state="upheld", decided_at=ctx.now)
    fact = state.facts[objection.fact]
    state.facts[objection.fact] = fact.model_copy(update={"status": FactStatus.CONTRADICTED, "refuted": True})
    said = FactEstablished(
        case_id=state.id,
        fact=objection.fact,
        status=FactStatus.CONTRADICTED,
        source=fact.source,
        evidence=evidence,
        refuted=True,
    )
    emits = [to_coordinator(state, said), *_life_event(state, objection)]
    lines = [timeline.fact(FactStatus.CONTRADICTED, refuted=True)]
    puts = [*tell(state, lines, ctx.now), *list_tasks(state)]
    return Changes(state, emits=emits, timers=escalations(state), puts=puts)


def _life_event(state: Application, objection: Objection) -> list[Emit]:
    """`person.death.retracted`: whoever acted on the death hears that it was not so. It is our own finding, not what a
    source shared with us."""
    day = state.facts[objection.fact].occurred_on
    if objection.fact != DEATH or state.subject_ref is None or day is None:
        return []
    told = LifeEventReported(
        kind="death",
        person_ref=state.subject_ref,
        source="intake",
        source_no=str(objection.id),
        occurred_on=day,
        confirmed=True,
        retracted=True,
    )
    return [Emit(EVENTS, str(state.id), told, key=str(state.id), case_id=str(state.id))]


def follow(state: Application, message: CaseMessage) -> None:
    """Takes down when what an objection touches was held back, and when the last of it was undone."""
    for objection in state.objections:
        if objection.frozen_at is None:
            _note_frozen(state, objection, message)
        elif objection.state == "upheld" and objection.undone_at is None:
            _note_undone(state, objection, message)


def _note_frozen(state: Application, objection: Objection, message: CaseMessage) -> None:
    held = tuple(i.item_id for i in message.case.items if i.frozen is not None)
    if held:
        _replace(state, objection, held=held, frozen_at=message.at)


def _note_undone(state: Application, objection: Objection, message: CaseMessage) -> None:
    left = [i for i in message.case.items if i.item_id in objection.held and i.status in UNDONE]
    if not left:
        _replace(state, objection, undone_at=message.at)


def _replace(application: Application, objection: Objection, **changed: Any) -> None:
    known = application.objections
    application.objections = [o.model_copy(update=changed) if o.id == objection.id else o for o in known]


def shown(state: Application, objection: Objection) -> Mapping[str, Any]:
    """An objection as whoever raised it, and the staff, see it; how many minutes until all was held, and undone."""
    task = next((t for t in state.tasks if t.data.get("objection") == str(objection.id)), None)
    return {
        "id": str(objection.id),
        "application_no": state.application_no,
        "fact": objection.fact,
        "ground": objection.ground,
        "reason": objection.reason,
        "state": objection.state,
        "raised_at": objection.raised_at.isoformat(),
        "due": task.due.isoformat() if task else None,
        "decided_at": objection.decided_at.isoformat() if objection.decided_at else None,
        "frozen_after_minutes": _minutes(objection.raised_at, objection.frozen_at),
        "undone_after_minutes": _minutes(objection.raised_at, objection.undone_at),
    }


def _minutes(since: datetime, until: datetime | None) -> float | None:
    return None if until is None else round((until - since).total_seconds() / 60, 2)
