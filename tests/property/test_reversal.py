"""Freezing, releasing and reversing in any order, repeated as often as it pleases: effects stand, rest or are gone."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.catalog.protocol import EffectsFrozen, EffectsReleased, ReversalRequested
from shared.errors import Conflict, RefusedError
from shared.handling import tasks
from shared.handling.tasks import TaskDecision, TaskOutcome
from tests.support.fake_ctx import CASE, ITEM, fake_ctx, item_ready, item_requested, item_settled
from tests.support.toy_procedure import EFFECT, STANDING, Undoable, toy_engine

CTX = fake_ctx()
ENGINE = toy_engine(Undoable())
ID: dict[str, Any] = {"item_id": ITEM, "case_id": CASE, "round": 1}
GROUNDS = st.sampled_from(["OBJECTION", "SOURCE_CONTRADICTS"])


class Reversing(RuleBasedStateMachine):
    """One item; every state passes through JSON as it would through the database."""

    def __init__(self):
        super().__init__()
        self.item: Any = None
        self.doubts: set[str] = set()
        self.stands: str | None = None
        self.effects = 0
        self.told: list[str] = []

    @initialize(people=st.booleans(), ready=st.booleans(), afterwards=st.booleans())
    def requested(self, people, ready, afterwards):
        form = {"people": people, "afterwards": afterwards}
        self.apply(ENGINE.on_item_requested, item_requested(CTX, "toy.thing", form, ready=ready))

    def apply(self, handler, given):
        item = self.item and type(self.item).model_validate_json(self.item.model_dump_json())
        changes = handler(item, given, CTX)
        self.item = type(changes.state).model_validate_json(changes.state.model_dump_json())
        self.told += [type(e.message).__name__ for e in changes.emits]
        self.effects += sum(p.table is EFFECT for p in changes.puts)
        for put in changes.puts:
            if put.table is STANDING:
                self.stands = put.values["state"]

    @rule()
    def ready(self):
        self.apply(ENGINE.on_item_ready, item_ready())

    @rule()
    def applied(self):
        self.apply(ENGINE.on_item_settled, item_settled())

    @rule(outcome=st.sampled_from(["approve", "deny"]), account=st.sampled_from(["a", "b"]))
    def decided(self, outcome, account):
        live = tasks.live_tasks(self.item)
        if not live:
            return

        def decide(item, _, ctx):
            task: Any = tasks.claim(item, live[0].id, account, ctx.now)
            given = TaskDecision(task.id, task.lease, TaskOutcome(outcome), account, reason_code="R")
            return ENGINE.decide(item, given, ctx)

        with contextlib.suppress(Conflict, RefusedError):
            self.apply(decide, None)

    @rule(ground=GROUNDS)
    def frozen(self, ground):
        self.apply(ENGINE.on_effects_frozen, EffectsFrozen(**ID, ground=ground))
        self.doubts.add(ground)

    @rule(ground=GROUNDS)
    def released(self, ground):
        self.apply(ENGINE.on_effects_released, EffectsReleased(**ID, ground=ground))
        self.doubts.discard(ground)

    @rule()
    def reversed(self):
        asked = ReversalRequested(**ID, cause="fact_retracted", reason_code="DEATH_RETRACTED", law="")
        self.apply(ENGINE.on_reversal_requested, asked)

    @invariant()
    def effects_are_carried_out_at_most_once(self):
        assert self.effects <= 1

    @invariant()
    def what_is_in_doubt_does_not_run(self):
        if self.doubts:
            assert self.stands != "in_force"

    @invariant()
    def what_is_in_no_doubt_is_not_suspended(self):
        if not self.doubts:
            assert self.stands != "suspended"

    @invariant()
    def what_was_reversed_never_runs_again_and_is_said_once(self):
        if self.item and self.item.reversal is not None:
            assert self.item.phase in ("ended", "revoked")
            assert self.stands is None or self.stands.startswith("re")
            assert sum(self.told.count(end) for end in ("ItemRevoked", "ItemEnded")) == 1

    @invariant()
    def what_stands_is_in_force(self):
        if self.item and self.item.phase == "settled" and self.item.outcome == "approved" and not self.doubts:
            assert self.stands == "in_force"


TestReversing = Reversing.TestCase
TestReversing.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
