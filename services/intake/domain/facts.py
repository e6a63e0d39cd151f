"""Facts that items wait for: asked once of their source, and what its answer, or a person, makes of them.

Confirmed means that the authoritative source agrees on name, number and date together. A source that contradicts
opens a task of the receiving unit; one that is silent leaves the items visibly waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.intake.domain import timeline
from services.intake.domain.duties import escalations, list_tasks
from services.intake.domain.model import Application, FactState
from services.intake.domain.sealing import EVIDENCE, seal
from services.intake.domain.telling import tell
from shared.catalog.protocol import FactEstablished
from shared.changes import Answer, Ask, CancelAsk, Changes, Ctx, Emit
from shared.errors import FieldError, Invalid, Poison
from shared.handling.procedure import OpenTask
from shared.handling.tasks import TaskDecision, TaskOutcome, close, confided, decide, live_tasks, open_task
from shared.identity import normalise_id_no
from shared.messages import topic_of
from shared.outcomes import FactStatus

FACT_CHECK = "fact_check"
"""The kind of task in which a person finds out what a source contradicted (事实核实)."""
OUTLAST = frozenset({"verify_commitment", "false_commitment", "objection_check"})
"""Kinds of tasks that are worked on after the application has ended."""

FACT_CHECK_DAYS = 1
OBJECTION_CHECK = "objection_check"
"""The kind of task in which a person decides an objection to a fact (异议核实)."""
FACT_CHECK_ROLE = "clerk"
TOPIC = topic_of("coordinator", "requests")
EVENTS = topic_of("intake", "events")


def asks(facts: Mapping[str, str], parties: Mapping[str, Any], occurred_on: date | None) -> list[Ask]:
    """One question a fact (`{fact: source}`)."""
    return [Ask(fact, source, question_of(parties, occurred_on)) for fact, source in facts.items()]


def question_of(parties: Mapping[str, Any], occurred_on: date | None) -> dict[str, Any]:
    """What a source is asked: did this happen to this person, by name and number, on that day?"""
    party = parties.get("subject") or parties["applicant"]
    person = {"name": party["name"], "id_type": party["id_type"], "id_no": party.get("id_no")}
    return {"person": person, **person, "died_on": occurred_on.isoformat() if occurred_on else None}


def answered(state: Application | None, answer: Answer, question: Mapping[str, Any], ctx: Ctx) -> Changes[Application]:
    """What an answer establishes; a silent source is told once, a later answer corrects it."""
    if state is None or answer.name not in state.facts:
        raise Poison("没有提出过这个问题", "an answer to a question that was never asked")
    fact = state.facts[answer.name]
    status = _status(answer, question)
    if fact.status is status or fact.status in (FactStatus.CONFIRMED, FactStatus.CONTRADICTED):
        return Changes(state)
    state.facts[answer.name] = fact.model_copy(update={"status": status})
    if status is FactStatus.CONTRADICTED:
        _open_check(state, answer.name, ctx)
    return _established(state, answer.name, ctx, evidence=answer.source_no)


def _status(answer: Answer, question: Mapping[str, Any]) -> FactStatus:
    status = FactStatus(answer.status)
    if status is FactStatus.CONFIRMED and not agrees(question, answer.data):
        return FactStatus.CONTRADICTED
    return status


def agrees(question: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether what the source tells is the same name, number and date; what it leaves out it has compared itself."""
    id_type = str(question.get("id_type"))
    flat = {**(data.get("person") or {}), **data}
    told = {k: _plain(k, v, id_type) for k, v in flat.items() if k in ("name", "id_no", "died_on") and v is not None}
    return all(value == _plain(key, question.get(key), id_type) for key, value in told.items())


def _plain(key: str, value: Any, id_type: str) -> str:
    text = "" if value is None else str(value).strip()
    return normalise_id_no(id_type, text) if key == "id_no" else text


def _open_check(state: Application, fact: str, ctx: Ctx) -> None:
    spec = OpenTask(FACT_CHECK, "review", FACT_CHECK_ROLE, FACT_CHECK_DAYS, "FACT_CONTRADICTED", data={"fact": fact})
    open_task(state, spec, ctx, unit=state.unit or state.accept_region, region=state.accept_region)


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """A person's finding: approve confirms the fact with the evidence seen, deny refutes it.

    `Invalid` for another outcome, or for a confirmation that names no evidence (`result.evidence` or a comment).
    """
    if decision.outcome not in (TaskOutcome.APPROVE, TaskOutcome.DENY):
        message = "只能确认(approve)或否定(deny)该事实 / approve confirms the fact, deny refutes it"
        raise Invalid([FieldError("/outcome", "NOT_ALLOWED", message)])
    confirmed = decision.outcome is TaskOutcome.APPROVE
    evidence = str(decision.result.get("evidence") or "")
    if confirmed and not (evidence or decision.comment):
        message = "请写明所依据的证据 / name the evidence that was seen"
        raise Invalid([FieldError("/result/evidence", "REQUIRED", message)])
    task, record = decide(state, decision, ctx.now)
    state.decisions.append(record.model_copy(update={"result": {}}))
    # What was seen may quote papers of a person, so it stays here, sealed; the coordinator is told where it lies.
    confidence = {**confided(decision), "evidence": evidence}
    state.evidence[str(task.id)] = seal(ctx.keyring, state.id, EVIDENCE, 0, confidence)
    state.acted = list(dict.fromkeys([*state.acted, decision.by]))
    name = str(task.data["fact"])
    status = FactStatus.CONFIRMED if confirmed else FactStatus.CONTRADICTED
    state.facts[name] = state.facts[name].model_copy(update={"status": status, "refuted": not confirmed})
    return _established(state, name, ctx, evidence=f"task:{task.id}", refuted=not confirmed)


def _established(
    state: Application, name: str, ctx: Ctx, *, evidence: str | None, refuted: bool = False
) -> Changes[Application]:
    fact: FactState = state.facts[name]
    status = fact.status or FactStatus.SILENT
    message = FactEstablished(
        case_id=state.id,
        fact=name,
        status=status,
        source=fact.source,
        occurred_on=fact.occurred_on if status is FactStatus.CONFIRMED else None,
        evidence=evidence,
        refuted=refuted,
    )
    puts = [*tell(state, [timeline.fact(status, refuted=refuted)], ctx.now), *list_tasks(state)]
    return Changes(state, emits=[to_coordinator(state, message)], timers=escalations(state), puts=puts)


def to_coordinator(state: Application, message: Any) -> Emit:
    """A message on this application's stream to the coordinator."""
    return Emit(TOPIC, aggregate_id=str(state.id), message=message, key=str(state.id), case_id=str(state.id))


def close_checks(changes: Changes[Application], ctx: Ctx) -> None:
    """Nobody need find out any more, and no source need answer: the application has ended."""
    state = changes.state
    for task in live_tasks(state):
        if task.kind not in OUTLAST:
            close(task, ctx.now)
    changes.puts += list_tasks(state)
    changes.timers += escalations(state)
    changes.asks += [CancelAsk(name) for name, fact in state.facts.items() if fact.status in (None, FactStatus.SILENT)]
