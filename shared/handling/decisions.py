"""What each outcome of a person's decision does to an item, before its procedure goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.catalog.model import in_force
from shared.catalog.protocol import CorrectionRequested, Finding, ItemReturned
from shared.clock import beijing_date
from shared.errors import Conflict, FieldError, Invalid
from shared.handling import standing, tasks
from shared.handling.model import DecisionRecord, Task
from shared.handling.procedure import NotAccept
from shared.handling.run import Run
from shared.handling.sealing import seal_result
from shared.handling.steps import PROPOSAL, accept, conclude, not_accept, proposed
from shared.handling.tasks import INTERIM, TaskDecision, TaskOutcome
from shared.outcomes import Decision

OUTCOMES: Final[Mapping[TaskOutcome, Decision]] = {
    TaskOutcome.APPROVE: Decision.APPROVED,
    TaskOutcome.DENY: Decision.DENIED,
    TaskOutcome.NOT_APPLICABLE: Decision.NOT_APPLICABLE,
}

_AFTER_SETTLED: Final = frozenset({*OUTCOMES, TaskOutcome.ACCEPT})


def take(run: Run, decision: TaskDecision) -> bool:
    """Records a decision and does what its outcome says; True when the item's procedure goes on from here.

    What was said in confidence goes into the sealed notes.
    """
    item = run.item
    if item.phase != "open" and decision.outcome not in _AFTER_SETTLED:
        raise not_possible(decision.outcome)
    for_leader = _is_for_leader(run, decision)
    _complete(decision)
    task, record = tasks.decide(item, decision, run.ctx.now)
    if confided := tasks.confided(decision):
        run.remember(said={**run.work.notes.get("said", {}), str(task.id): confided})
    if for_leader:
        item.past.append(record)
        standing.decide_extension(run, task, decision)
        return False
    (item.past if decision.outcome in (*INTERIM, TaskOutcome.REQUEST_CORRECTION) else item.decisions).append(record)
    act = _ACT.get(decision.outcome, _nothing_more)
    return act(run, decision, task, record)


def _is_for_leader(run: Run, decision: TaskDecision) -> bool:
    """Whether a leader is asked for an extension here, which can only be approved or denied."""
    task = tasks.find(run.item, decision.task_id)
    if task is None or task.kind != standing.EXTENSION:
        return False
    if decision.outcome not in (TaskOutcome.APPROVE, TaskOutcome.DENY):
        raise not_possible(decision.outcome)
    return True


def not_possible(outcome: TaskOutcome) -> Conflict:
    """This outcome leads nowhere as the item stands: nothing was stored, choose another one."""
    return Conflict(
        "OUTCOME_NOT_POSSIBLE",
        f"本件现在不能作出 {outcome},请另选结果",
        f"{outcome} is not possible as the item stands: choose another outcome",
    )


def _complete(decision: TaskDecision) -> None:
    message = f"{decision.outcome} 须填写此项 / {decision.outcome} needs this"
    missing = [name for name in NEEDS.get(decision.outcome, ()) if not getattr(decision, name)]
    if missing:
        raise Invalid([FieldError(f"/{name}", "REQUIRED", message) for name in missing])


NEEDS = {
    TaskOutcome.REQUEST_CORRECTION: ("findings",),
    TaskOutcome.EXTEND: ("until",),
    TaskOutcome.PAUSE: ("ground", "until"),
    TaskOutcome.RESUME: ("ground",),
    TaskOutcome.DENY: ("reason_code",),
    TaskOutcome.NOT_ACCEPT: ("reason_code", "comment"),
    TaskOutcome.RETURN: ("reason_code",),
}
"""What must be said with an outcome; who is turned away is told why in words, by a person (行政许可法第三十二条、第五十五条)."""


def _nothing_more(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    proposal = task.data.get("proposal") if task.kind == PROPOSAL else None
    if proposal is None or decision.outcome not in OUTCOMES:
        return True
    conclude(run, proposed(run, proposal, OUTCOMES[decision.outcome], decision.reason_code))
    return False


def _accept(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    if run.item.phase == "open":
        accept(run)
    return True


def _not_accept(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    if run.item.accepted_at is not None:
        raise not_possible(decision.outcome)
    law = str(decision.result.get("law") or _law_of(run))
    not_accept(run, NotAccept(decision.reason_code, law, str(decision.result.get("where_to_go", ""))))
    return False


def _request_correction(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    findings = tuple(_sealed_words(run, finding) for finding in decision.findings)
    run.item.findings = list(findings)
    run.item.past += run.item.decisions  # what was decided on the old materials counts no more
    run.item.decisions = []
    run.tell(CorrectionRequested, findings=findings)
    return False


def _sealed_words(run: Run, finding: Finding) -> Finding:
    """The finding as everyone may see it; what the handler wrote may name a person or an illness."""
    item, ctx = run.item, run.ctx
    words = {"zh": finding.message_zh, "en": finding.message_en}
    sealed = seal_result(ctx.keyring.sealer(), ctx.service, item.case_id, item.id, item.round, words)
    zh, en = "需要补正,详见告知", "to be corrected, as the notice says"
    return finding.model_copy(update={"message_zh": zh, "message_en": en, "sealed": sealed})


def _pause(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    standing.pause(run, decision)
    return False


def _resume(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    standing.resume(run, decision)
    return False


def _extend(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    standing.propose_extension(run, decision)
    return False


def _return(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    run.end("returned")
    unit = decision.result.get("suggested_unit")
    run.tell(ItemReturned, reason_code=decision.reason_code, suggested_unit=str(unit) if unit else None)
    return False


def _send_back(run: Run, decision: TaskDecision, task: Task, record: DecisionRecord) -> bool:
    """The last decision of another kind, and all after it, count no more: its task is opened again."""
    item = run.item
    others = [n for n, d in enumerate(item.decisions) if d.kind != task.kind]
    if not others:
        raise not_possible(decision.outcome)
    item.past += item.decisions[others[-1] :]
    item.decisions = item.decisions[: others[-1]]
    return True


def _law_of(run: Run) -> str:
    matter = run.ctx.catalog.matters.get(run.item.matter)
    refs = in_force(matter.law, beijing_date(run.ctx.now)) if matter else []
    return "".join(ref.marked() for ref in refs[:1])


_ACT: Final[Mapping[TaskOutcome, Callable[[Run, TaskDecision, Task, DecisionRecord], bool]]] = {
    TaskOutcome.ACCEPT: _accept,
    TaskOutcome.NOT_ACCEPT: _not_accept,
    TaskOutcome.REQUEST_CORRECTION: _request_correction,
    TaskOutcome.PAUSE: _pause,
    TaskOutcome.RESUME: _resume,
    TaskOutcome.EXTEND: _extend,
    TaskOutcome.RETURN: _return,
    TaskOutcome.SEND_BACK: _send_back,
}
