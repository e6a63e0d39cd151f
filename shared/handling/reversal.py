"""Holding an item's effects back while what they rest on is in doubt, and undoing them once it proved false.

Both are asked for by the coordinator; a procedure says what they mean for its effects (`Suspends`, `Reverses`). What
no procedure can undo is a person's task (`REVERSAL`): approving it revokes the item, anything else lets it stand.
"""

from __future__ import annotations

from typing import Final

from shared.catalog.protocol import (
    EffectsFrozen,
    EffectsReleased,
    ItemEnded,
    ItemProgressed,
    ItemRevoked,
    ReversalRequested,
    WaitingOn,
)
from shared.errors import Conflict
from shared.handling import tasks
from shared.handling.model import Frozen, Item, Reversal, Task
from shared.handling.procedure import OpenTask, Procedure, Reverses, Suspends
from shared.handling.run import Run
from shared.handling.steps import carry_out, open_task
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.outcomes import Decision, WaitKind

REVERSAL: Final = "reversal"
REVERSAL_DAYS: Final = 3
REVERSAL_ROLE: Final = "handler"
OVER: Final = ("ended", "revoked")


def freeze(run: Run, procedure: Procedure, message: EffectsFrozen) -> None:
    """Holds the item's effects back on this ground; what runs already is suspended with the first one."""
    item = run.item
    if any(f.ground == message.ground for f in item.frozen):
        return
    item.frozen.append(Frozen(ground=message.ground, since=run.ctx.now))
    if len(item.frozen) == 1 and _runs(item) and isinstance(procedure, Suspends):
        carry_out(run, procedure.frozen(run.work, run.ctx))


def release(run: Run, procedure: Procedure, message: EffectsReleased) -> bool:
    """Ends this ground; True when it was the last one, and the item goes on."""
    left = [f for f in run.item.frozen if f.ground != message.ground]
    last = bool(run.item.frozen) and not left
    run.item.frozen = left
    if last:
        _thaw(run, procedure)
    return last


def settle(run: Run, procedure: Procedure) -> None:
    """The decision is in force: its effects are carried out, or wait while they are in doubt."""
    run.item.held = bool(run.item.frozen)
    if not run.item.held:
        carry_out(run, procedure.settled(run.work, run.ctx))


def reverse(run: Run, procedure: Procedure, message: ReversalRequested) -> None:
    """Ends an item that is not yet in force; undoes one that is, or asks a person to."""
    item = run.item
    asked = Reversal(round=message.round, cause=message.cause, reason_code=message.reason_code, law=message.law)
    before = item.reversal
    if before is not None and (not before.refused or before.model_copy(update={"refused": False}) == asked):
        return
    item.reversal = asked
    if item.phase == "settled":
        _reverse_settled(run, procedure)
        return
    # Decided: its decision is on the way up and will be concluded there, so it is revoked; otherwise it just ends.
    answer = ItemRevoked if item.phase == "decided" else ItemEnded
    item.frozen = []
    run.end("ended")
    run.tell(answer, reason_code=message.reason_code, law=message.law)


def decided(run: Run, procedure: Procedure, decision: TaskDecision) -> None:
    """What a person made of a reversal that no rule can carry out."""
    if decision.outcome == TaskOutcome.APPROVE:
        _revoke(run)
        return
    assert run.item.reversal is not None  # noqa: S101 - its task is there because it was asked for
    run.item.reversal = run.item.reversal.model_copy(update={"refused": True})
    _say(run)
    if run.item.frozen:
        run.item.frozen = []
        _thaw(run, procedure)


def refuse_frozen(item: Item, task: Task | None) -> None:
    """`Conflict` (`EFFECTS_FROZEN`) for a decision on an item that is in doubt; on its reversal one may be taken."""
    if item.frozen and (task is None or task.kind != REVERSAL):
        raise Conflict(
            "EFFECTS_FROZEN",
        )


def _reverse_settled(run: Run, procedure: Procedure) -> None:
    item = run.item
    if _runs(item) and not isinstance(procedure, Reverses):
        assert item.reversal is not None  # noqa: S101 - `reverse` has set it
        asked = item.reversal
        data = {"cause": asked.cause, "law": asked.law}
        open_task(run, OpenTask(REVERSAL, "review", REVERSAL_ROLE, REVERSAL_DAYS, asked.reason_code, data=data))
        _say(run)
        return
    run.stop_waiting()
    undone = procedure.reversed(run.work, run.ctx) if _runs(item) and isinstance(procedure, Reverses) else ()
    _revoke(run)
    carry_out(run, undone)


def _revoke(run: Run) -> None:
    """Revoked, and said so in the round in which it was asked for."""
    item = run.item
    assert item.reversal is not None  # noqa: S101 - whoever revokes was asked to
    run.stop_waiting()
    item.phase, item.frozen, item.held = "revoked", [], False
    run.tell(ItemRevoked, round=item.reversal.round, reason_code=item.reversal.reason_code, law=item.reversal.law)


def _say(run: Run) -> None:
    """Whom the reversal waits for; nobody once a person has let the decision stand."""
    item = run.item
    task = next((t for t in tasks.live_tasks(item) if t.kind == REVERSAL), None)
    waiting = task and WaitingOn(kind=WaitKind.TASK, name=REVERSAL, since=task.opened_at, until=task.due)
    number = item.reversal.round if item.reversal else item.round
    run.tell(ItemProgressed, round=number, stage=item.stage, stage_name=item.stage_name, waiting_on=waiting)


def _runs(item: Item) -> bool:
    """Whether effects were carried out."""
    return item.phase == "settled" and item.outcome == Decision.APPROVED and not item.held


def _thaw(run: Run, procedure: Procedure) -> None:
    if run.item.held:
        settle(run, procedure)
    elif _runs(run.item) and isinstance(procedure, Suspends):
        carry_out(run, procedure.released(run.work, run.ctx))
