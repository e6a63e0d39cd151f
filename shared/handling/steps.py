"""What each step of a procedure does to an item: one function a kind of step, in the table at the foot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from shared.catalog.protocol import ItemAccepted, ItemDecided, ItemEnded, ItemNotAccepted, WaitingOn
from shared.changes import Put
from shared.crypto import Sealed
from shared.handling import tasks
from shared.handling.procedure import (
    Accept,
    AskSource,
    Conclude,
    End,
    NotAccept,
    OpenTask,
    Publish,
    Remember,
    Stage,
    Step,
    WaitFor,
    Wake,
    Write,
)
from shared.handling.run import ProcedureFault, Run
from shared.handling.sealing import seal_result
from shared.messages import derived_id, topic_of
from shared.outcomes import Decision

PROPOSAL: Final = "rule_review"
"""The kind of task in which a person decides what a rule proposes."""

PROPOSAL_DAYS: Final = 3
PROPOSAL_ROLE: Final = "handler"


def carry_out(run: Run, steps: Sequence[Step]) -> None:
    """Carries out steps in order; what comes after the end of the item is left."""
    for step in steps:
        _CARRY_OUT[type(step)](run, step)
        if isinstance(step, NotAccept | Conclude | End) and run.item.phase != "open":
            return


def accept(run: Run) -> None:
    """Accepts the item 受理, unless it is."""
    if run.item.accepted_at is None:
        run.item.accepted_at = run.ctx.now
        run.tell(ItemAccepted, accepted_at=run.ctx.now)


def not_accept(run: Run, step: NotAccept) -> None:
    """Ends the item as not accepted 不予受理; one that was accepted, or decided, cannot be."""
    _must_be_open(run, step)
    if run.item.accepted_at is not None:
        raise ProcedureFault(f"{run.item.matter}: 已受理的不能再不予受理 / accepted, so it cannot be not accepted")
    run.end("ended")
    acted = _acted(run) if run.item.decisions else ()
    run.tell(
        ItemNotAccepted,
        reason_code=step.reason_code,
        law=step.law,
        where_to_go=step.where_to_go,
        sealed=_sealed(run, _written(run)),
        acted=acted,
    )


def conclude(run: Run, step: Conclude) -> None:
    """Decides the item, once it is ready; a rule's conclusion that must go to a person becomes a task.

    A rule never denies (architecture: rule and person): that is a `ProcedureFault`.
    """
    _must_be_open(run, step)
    if step.by_rule and step.outcome == Decision.DENIED:
        raise ProcedureFault(f"{run.item.matter}: 规则不得作出否定决定 / a rule may not deny: open a task")
    if not run.item.ready:
        return
    if step.by_rule and run.item.to_person:
        _propose(run, step)
    else:
        _decide(run, step)


def proposed(run: Run, proposal: Mapping[str, Any], outcome: Decision, reason_code: str) -> Conclude:
    """What a person made of a rule's proposal: agreeing takes it over whole, else only its law stays."""
    if outcome != proposal["outcome"]:
        return Conclude(outcome, reason_code or proposal["reason_code"], proposal["law"])
    personal = run.work.notes.get("proposal", {})
    return Conclude(outcome, proposal["reason_code"], proposal["law"], proposal["result"], personal)


def open_task(run: Run, step: OpenTask) -> None:
    """Opens the task unless it is open, or was decided and that decision counts."""
    item = run.item
    if run.work.decision(step.kind) is not None and item.phase == "open":
        return
    barred = {*item.acted, *(d.by for d in (*item.past, *item.decisions) if d.kind != step.kind)}
    tasks.open_task(item, step, run.ctx, unit=item.unit, region=item.region, round_=item.round, barred=barred)


def _propose(run: Run, step: Conclude) -> None:
    content = {"outcome": step.outcome, "reason_code": step.reason_code, "law": step.law, "result": dict(step.result)}
    run.remember(proposal=dict(step.personal))
    data = {"proposal": content}
    spec = OpenTask(PROPOSAL, "review", PROPOSAL_ROLE, PROPOSAL_DAYS, step.reason_code, data=data, four_eyes=True)
    open_task(run, spec)


def _decide(run: Run, step: Conclude) -> None:
    item, ctx = run.item, run.ctx
    item.accepted_at = item.accepted_at or ctx.now  # the decision implies it: no message of its own
    sealed = _sealed(run, {**_grounds(run, step), **step.personal})
    item.outcome = step.outcome
    item.conclusion = {"reason_code": step.reason_code, "law": step.law, "result": dict(step.result)}
    run.end("decided")
    run.tell(
        ItemDecided,
        outcome=step.outcome,
        reason_code=step.reason_code,
        law=step.law,
        result=dict(step.result),
        sealed=sealed,
        by_rule=step.by_rule,
        decided_at=ctx.now,
        acted=_acted(run),
    )


def _acted(run: Run) -> tuple[str, ...]:
    return _once((*run.item.acted, *(d.by for d in run.item.decisions)))


def _sealed(run: Run, personal: Mapping[str, Any]) -> Sealed | None:
    item, ctx = run.item, run.ctx
    if not personal:
        return None
    return seal_result(ctx.keyring.sealer(), ctx.service, item.case_id, item.id, item.round, personal)


def _grounds(run: Run, step: Conclude) -> dict[str, Any]:
    """What whoever denied it wrote: a decision against somebody says why (行政许可法第三十八条)."""
    return {} if step.by_rule or step.outcome != Decision.DENIED else _written(run)


def _written(run: Run) -> dict[str, Any]:
    """The words of the last one who decided, if anybody did."""
    if not run.item.decisions:
        return {}
    said = run.work.notes.get("said", {}).get(str(run.item.decisions[-1].task_id), {})
    return {"comment": said["comment"]} if said.get("comment") else {}


def _end(run: Run, step: End) -> None:
    _must_be_open(run, step)
    run.end("ended")
    run.tell(ItemEnded, reason_code=step.reason_code, law=step.law)


def _ask(run: Run, step: AskSource) -> None:
    run.ask(step.name, step.source, step.question, waiting=step.waiting, effect=step.effect)


def _wait(run: Run, step: WaitFor) -> None:
    run.waiting = WaitingOn(kind=step.kind, name=step.name, since=run.ctx.now, until=step.until)


def _stage(run: Run, step: Stage) -> None:
    run.item.stage, run.item.stage_name = step.code, step.name


def _remember(run: Run, step: Remember) -> None:
    run.item.data.update(step.public)
    if step.private:
        run.remember(**step.private)


def _write(run: Run, step: Write) -> None:
    if step.upsert or _first_time(run, step.table.fullname, sorted((k, repr(v)) for k, v in step.values.items())):
        run.changes.puts.append(Put(step.table, step.values, step.upsert))


def _publish(run: Run, step: Publish) -> None:
    if _first_time(run, type(step.message).__name__, step.message.model_dump_json()):
        run.emit(topic_of(run.ctx.service, "events"), step.message)


def _first_time(run: Run, *what: object) -> bool:
    identity = derived_id(run.item.round, *what)
    if identity in run.item.done:
        return False
    run.item.done.append(identity)
    return True


def _must_be_open(run: Run, step: Step) -> None:
    if run.item.phase != "open":
        name = type(step).__name__
        raise ProcedureFault(f"{run.item.matter}: 子件已不在办 / the item is {run.item.phase}: no {name} any more")


def _once(accounts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(accounts))


_CARRY_OUT: Final[Mapping[type[Any], Callable[[Run, Any], None]]] = {
    AskSource: _ask,
    OpenTask: open_task,
    WaitFor: _wait,
    Wake: lambda run, step: run.wake(step.name, step.at),
    Stage: _stage,
    Remember: _remember,
    Accept: lambda run, _: accept(run),
    NotAccept: not_accept,
    Conclude: conclude,
    End: _end,
    Write: _write,
    Publish: _publish,
}
