"""The engine: the handling protocol over one item, the same for every service; what differs is its procedures.

Every method is a pure handler `(item | None, message, ctx) -> Changes`. A message of another round is old, and
changes nothing; after the end of an item nothing is told any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.catalog.protocol import (
    CheckPassed,
    CorrectionRequested,
    EffectsFrozen,
    EffectsReleased,
    ItemCancelled,
    ItemReady,
    ItemRequested,
    ItemSettled,
    ItemSupplemented,
    ReversalRequested,
    WithdrawalAnswered,
    WithdrawalRequested,
)
from shared.changes import Answer, Changes, Ctx, Timer
from shared.errors import Poison
from shared.handling import decisions, escalation, reversal, tasks
from shared.handling.model import Item
from shared.handling.procedure import FollowsUp, Procedure
from shared.handling.rounds import begin_again, new_item
from shared.handling.run import ProcedureFault, Run, out_of_round
from shared.handling.steps import carry_out
from shared.handling.tables import HandlingTables
from shared.handling.tasks import TaskDecision
from shared.outcomes import FactStatus


class Stuck(ProcedureFault):
    """A procedure left an item that is ready with nothing that would ever move it."""


@dataclass(frozen=True)
class Engine:
    """Handles the items of one service by its procedures, one a matter."""

    procedures: Mapping[str, Procedure]
    tables: HandlingTables

    # --- down: from the coordinator ---

    def on_item_requested(self, state: Item | None, message: ItemRequested, ctx: Ctx) -> Changes[Item]:
        """A new item, or a new round of one: checked formally, and moved as far as it goes."""
        if state is not None and message.round <= state.round:
            return Changes(state)
        if message.matter not in self.procedures:
            raise Poison(f"本服务不办理 {message.matter}", f"this service does not handle {message.matter}")
        run = self._run(state or new_item(message, ctx), ctx)
        if state is not None:
            begin_again(run, message)
        self._check(run, again=False)
        return self._finish(run)

    def on_item_ready(self, state: Item | None, message: ItemReady, ctx: Ctx) -> Changes[Item]:
        """Everything the item waited for is there: it may be decided now."""
        item = _present(state)
        if not _live(item, message.round):
            return Changes(item)
        item.ready, item.to_person, item.due = True, message.to_person, message.due
        item.ready_at = item.ready_at or ctx.now
        item.results, item.facts = list(message.results), list(message.facts)
        item.accepted_at = item.accepted_at or message.accepted_at
        return self._advance(item, ctx)

    def on_item_supplemented(self, state: Item | None, message: ItemSupplemented, ctx: Ctx) -> Changes[Item]:
        """The applicant cured what was found: checked again with the new part."""
        item = _present(state)
        if item.phase == "decided" and message.round == item.round:
            item.materials = list(message.materials)  # what was to follow has come: the decision goes into force
        if not _live(item, message.round) or message.sealed_round <= item.part_round:
            return Changes(item)
        item.part, item.part_round, item.materials = message.sealed, message.sealed_round, list(message.materials)
        run = self._run(item, ctx)
        self._check(run, again=True)
        return self._finish(run)

    def on_withdrawal_requested(self, state: Item | None, message: WithdrawalRequested, ctx: Ctx) -> Changes[Item]:
        """Agreed, unless it is already decided; agreeing is the end of the item."""
        item = _present(state)
        if message.round != item.round or item.phase in reversal.OVER:
            return Changes(item)
        run = self._run(item, ctx)
        if item.phase in ("open", "returned"):
            run.end("ended")
            run.tell(WithdrawalAnswered, answer="agreed")
        else:
            run.tell(WithdrawalAnswered, answer="already_decided")
        return run.finish()

    def on_item_cancelled(self, state: Item | None, message: ItemCancelled, ctx: Ctx) -> Changes[Item]:
        """The item is over; a decision not yet in force falls away with it."""
        item = _present(state)
        if message.round != item.round or item.phase in ("settled", *reversal.OVER):
            return Changes(item)
        run = self._run(item, ctx)
        run.end("ended")
        return run.finish()

    def on_item_settled(self, state: Item | None, message: ItemSettled, ctx: Ctx) -> Changes[Item]:
        """Applied: what follows from the decision is carried out now, once, or when it is no more in doubt. Late: it is
        dropped."""
        item = _present(state)
        if message.round != item.round or item.phase != "decided":
            return Changes(item)
        run = self._run(item, ctx)
        item.phase = "settled" if message.status == "applied" else "ended"
        if item.phase == "settled":
            reversal.settle(run, self._procedure(item))
        return run.finish()

    def on_effects_frozen(self, state: Item | None, message: EffectsFrozen, ctx: Ctx) -> Changes[Item]:
        """What the item rests on is in doubt: nothing of it goes on, what runs is suspended."""
        item = _present(state)
        if message.round < item.round or item.phase in reversal.OVER:
            return Changes(item)
        run = self._run(item, ctx)
        reversal.freeze(run, self._procedure(item), message)
        return run.finish()

    def on_effects_released(self, state: Item | None, message: EffectsReleased, ctx: Ctx) -> Changes[Item]:
        """The doubt is settled: once none is left, what waited is carried out and the item goes on."""
        item = _present(state)
        run = self._run(item, ctx)
        if reversal.release(run, self._procedure(item), message):
            self._go_on(run)
        return self._finish(run)

    def on_reversal_requested(self, state: Item | None, message: ReversalRequested, ctx: Ctx) -> Changes[Item]:
        """What the decision rested on proved false: undone once, or ended where nothing is in force yet."""
        item = _present(state)
        if message.round < item.round or item.phase in reversal.OVER:
            return Changes(item)
        run = self._run(item, ctx)
        reversal.reverse(run, self._procedure(item), message)
        return run.finish()

    # --- local: answers, timers, this service's own news ---

    def on_answer(self, state: Item | None, answer: Answer, ctx: Ctx) -> Changes[Item]:
        """What a source said; silence leaves the item visibly waiting, a repeated answer is nothing new."""
        item = _present(state)
        name = out_of_round(item, answer.name)
        if name is None or name not in item.waits or item.answers.get(name) == answer.status:
            return Changes(item)
        run = self._run(item, ctx)
        item.answers[name] = answer.status
        if answer.status != FactStatus.SILENT:
            del item.waits[name]
        known = {"status": answer.status, "data": dict(answer.data)}
        run.work.answers[name] = {**known, "source": answer.source, "source_no": answer.source_no}
        run.notes_changed = True
        self._go_on(run)
        return self._finish(run)

    def on_timer(self, state: Item | None, timer: Timer, ctx: Ctx) -> Changes[Item]:
        """A task nobody took goes to the next ones; a wake calls the procedure."""
        item = _present(state)
        kind, _, name = timer.name.partition(":")
        if kind == "task":
            return self._escalate(item, name, ctx)
        plain = out_of_round(item, name)
        if plain is None or item.wakes.get(plain) is None:
            return Changes(item)
        item.wakes[plain] = None
        run = self._run(item, ctx)
        self._go_on(run)
        return self._finish(run)

    def nudge(self, item: Item, ctx: Ctx, *, private: Mapping[str, Any] | None = None) -> Changes[Item]:
        """Something of this service's own concerns the item (a report came in): the procedure is called.

        `private` is added to the sealed notes first. An item that is over stays as it is.
        """
        if item.phase not in ("open", "settled"):
            return Changes(item)
        run = self._run(item, ctx)
        if private:
            run.remember(**private)
        self._go_on(run)
        return self._finish(run)

    # --- a person's decision ---

    def decide(self, item: Item, decision: TaskDecision, ctx: Ctx) -> Changes[Item]:
        """A person's decision on one of the item's tasks.

        Raises `Conflict` (lease lost, task closed, outcome not possible, `EFFECTS_FROZEN`), `RefusedError`
        (`FOUR_EYES`), `Invalid`.
        """
        task = tasks.find(item, decision.task_id)
        reversal.refuse_frozen(item, task)
        run = self._run(item, ctx)
        run.acts(decision.by, decision.name)
        go_on = decisions.take(run, decision)
        if task is not None and task.kind == reversal.REVERSAL and task.state not in tasks.LIVE:
            reversal.decided(run, self._procedure(item), decision)
        if go_on:
            self._go_on(run)
        try:
            return self._finish(run)
        except Stuck as fault:
            raise decisions.not_possible(decision.outcome) from fault

    # --- inside ---

    def _run(self, item: Item, ctx: Ctx) -> Run:
        return Run(item, ctx, self.tables.task)

    def _procedure(self, item: Item) -> Procedure:
        return self.procedures[item.matter]

    def _check(self, run: Run, *, again: bool) -> None:
        item = run.item
        wanted = item.check != "none"
        item.findings = list(self._procedure(item).check(run.work, run.ctx)) if wanted else []
        item.checked = True
        if item.findings:
            run.tell(CorrectionRequested, findings=tuple(item.findings))
            return
        if wanted or again:
            run.tell(CheckPassed)
        self._go_on(run)

    def _advance(self, item: Item, ctx: Ctx) -> Changes[Item]:
        run = self._run(item, ctx)
        self._go_on(run)
        return self._finish(run)

    def _go_on(self, run: Run) -> None:
        item, procedure = run.item, self._procedure(run.item)
        if item.frozen:
            return
        if item.phase == "open" and item.checked and not item.findings:
            carry_out(run, procedure.advance(run.work, run.ctx))
            run.advanced = True
        elif item.phase in ("settled", "revoked") and isinstance(procedure, FollowsUp):
            carry_out(run, procedure.follow_up(run.work, run.ctx))

    def _finish(self, run: Run) -> Changes[Item]:
        changes = run.finish()
        if run.advanced and _stuck(run.item):
            raise Stuck(
                f"{run.item.matter}: 既未结束也不等待任何人或事",
                f"{run.item.matter}: the procedure neither ends the item nor says whom or what it waits for",
            )
        return changes

    def _escalate(self, item: Item, task_id: str, ctx: Ctx) -> Changes[Item]:
        task = next((t for t in tasks.live_tasks(item) if str(t.id) == task_id), None)
        if task is None:
            return Changes(item)
        run = self._run(item, ctx)
        escalation.escalate(task, ctx)
        return run.finish()


def _present(state: Item | None) -> Item:
    if state is None:
        raise Poison("没有这个子件", "there is no such item: its request never came")
    return state


def _live(item: Item, round_: int) -> bool:
    return item.phase == "open" and item.round == round_


def _stuck(item: Item) -> bool:
    """Open, and nothing is there that would ever move it."""
    moves = item.waiting_on is not None or item.waits or item.findings  # a source asked and not yet silent moves it too
    return item.phase == "open" and item.ready and not moves
