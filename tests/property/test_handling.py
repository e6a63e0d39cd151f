"""Any order of messages, answers, wakes, decisions and withdrawals: one end a round, and effects only when applied."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.catalog.protocol import ItemCancelled, ItemSupplemented, WithdrawalRequested
from shared.changes import Answer, Ask, SetTimer, Timer
from shared.errors import Conflict, RefusedError
from shared.handling import tasks
from shared.handling.tasks import TaskDecision, TaskOutcome
from tests.support.fake_ctx import CASE, ITEM, at, fake_ctx, item_ready, item_requested, item_settled, sealed_part
from tests.support.toy_procedure import EFFECT, toy_catalog, toy_engine

ENDS = {"ItemDecided", "ItemEnded", "ItemNotAccepted"}
CTX = fake_ctx(catalog=toy_catalog())
ENGINE = toy_engine()
KINDS = ("missing", "ask", "wake", "people", "wait", "afterwards")
FORMS = st.dictionaries(st.sampled_from(KINDS), st.just(value=True))


class Handling(RuleBasedStateMachine):
    """One item, whatever comes to it; every state passes through JSON as it would through the database."""

    def __init__(self):
        super().__init__()
        self.item: Any = None
        self.now = CTX.now
        self.asks: list[Ask] = []
        self.timers: list[SetTimer] = []
        self.ends: dict[int, int] = {}
        self.effects: dict[int, int] = {}
        self.applied: set[int] = set()
        self.over: set[int] = set()

    @initialize(form=FORMS, ready=st.booleans())
    def requested(self, form, ready):
        self.form = form
        self.apply(ENGINE.on_item_requested, item_requested(CTX, "toy.thing", form, ready=ready))

    def apply(self, handler, given):
        item = self.item and type(self.item).model_validate_json(self.item.model_dump_json())
        changes = handler(item, given, at(CTX, self.now))
        self.item = type(changes.state).model_validate_json(changes.state.model_dump_json())
        number = self.item.round
        names = [type(e.message).__name__ for e in changes.emits]
        up = [e for e in changes.emits if e.topic.endswith(".answers")]
        agreed = [e for e in up if getattr(e.message, "answer", "") == "agreed"]
        told_after_end = [n for n in names if n not in ("WithdrawalAnswered", "ToyGranted")]
        assert number not in self.over or not told_after_end
        for _ in range(sum(n in ENDS for n in names) + len(agreed)):
            self.ends[number] = self.ends.get(number, 0) + 1
            self.over.add(number)
        self.effects[number] = self.effects.get(number, 0) + sum(p.table is EFFECT for p in changes.puts)
        assert names.count("ItemProgressed") <= 1
        self.asks += [a for a in changes.asks if isinstance(a, Ask)]
        self.timers += [t for t in changes.timers if isinstance(t, SetTimer)]

    @rule()
    def ready(self):
        self.apply(ENGINE.on_item_ready, item_ready(self.item.round))

    @rule(to_person=st.booleans(), number=st.integers(1, 3))
    def ready_of_some_round(self, to_person, number):
        self.apply(ENGINE.on_item_ready, item_ready(number, to_person=to_person))

    @rule()
    def supplemented(self):
        number = self.item.part_round + 1
        form = {k: v for k, v in self.form.items() if k != "missing"}
        sealed = sealed_part(CTX, form, sealed_round=number)
        cured: dict[str, Any] = {
            "item_id": ITEM,
            "case_id": CASE,
            "round": self.item.round,
            "sealed": sealed,
            "sealed_round": number,
        }
        self.apply(ENGINE.on_item_supplemented, ItemSupplemented(**cured))

    @rule(status=st.sampled_from(["silent", "confirmed", "contradicted"]), data=st.data())
    def answered(self, status, data):
        if self.asks:
            ask = data.draw(st.sampled_from(self.asks))
            self.apply(ENGINE.on_answer, Answer(ask.name, status, {}, ask.source))

    @rule(data=st.data())
    def fired(self, data):
        if self.timers:
            timer = data.draw(st.sampled_from(self.timers))
            self.now = max(self.now, timer.due_at)
            self.apply(ENGINE.on_timer, Timer(timer.name, {}))

    @rule()
    def reported(self):
        self.apply(lambda item, _, ctx: ENGINE.nudge(item, ctx, private={"reported": True}), None)

    @rule(outcome=st.sampled_from(list(TaskOutcome)), account=st.sampled_from(["a", "b", "c"]))
    def decided(self, outcome, account):
        live = tasks.live_tasks(self.item)
        if not live:
            return
        more: dict[str, Any] = {"reason_code": "R", "ground": "G", "until": self.now.date() + timedelta(days=9)}

        def decide(item, _, ctx):
            task: Any = tasks.claim(item, live[0].id, account, ctx.now)
            return ENGINE.decide(item, TaskDecision(task.id, task.lease, outcome, account, **more), ctx)

        if outcome == TaskOutcome.REQUEST_CORRECTION:
            return
        with contextlib.suppress(Conflict, RefusedError):
            self.apply(decide, None)

    @rule(number=st.integers(1, 3))
    def withdrawn(self, number):
        asked = WithdrawalRequested(item_id=ITEM, case_id=CASE, round=number, reason_code="W")
        self.apply(ENGINE.on_withdrawal_requested, asked)

    @rule(number=st.integers(1, 3), cause=st.sampled_from(["terminated", "withdrawn"]))
    def cancelled(self, number, cause):
        over = ItemCancelled(item_id=ITEM, case_id=CASE, round=number, cause=cause, reason_code="C")
        self.apply(ENGINE.on_item_cancelled, over)
        if number == self.item.round:
            self.over.add(number)

    @rule(status=st.sampled_from(["applied", "late"]), number=st.integers(1, 3))
    def settled(self, status, number):
        in_force = status == "applied" and self.item.phase == "decided" and self.item.round == number
        self.apply(ENGINE.on_item_settled, item_settled(status, number))
        if in_force:
            self.applied.add(number)

    @rule(number=st.integers(1, 3), form=FORMS)
    def requested_again(self, number, form):
        if number > self.item.round:
            self.form = form
        request = item_requested(CTX, "toy.thing", form, round=number)
        self.apply(ENGINE.on_item_requested, request)

    @invariant()
    def a_round_ends_at_most_once(self):
        assert all(count <= 1 for count in self.ends.values())

    @invariant()
    def effects_come_once_and_only_when_applied(self):
        assert {n for n, count in self.effects.items() if count} == self.applied
        assert all(count <= 1 for count in self.effects.values())

    @invariant()
    def what_is_over_waits_for_nobody(self):
        if self.item and self.item.phase in ("decided", "ended", "returned"):
            assert not tasks.live_tasks(self.item)
            assert not self.item.waits
            assert self.item.waiting_on is None

    @invariant()
    def what_is_open_and_ready_says_whom_it_waits_for_unless_a_source_was_just_asked(self):
        if self.item and self.item.phase == "open" and self.item.ready:
            assert self.item.waiting_on is not None or self.item.waits


TestHandling = Handling.TestCase
TestHandling.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
