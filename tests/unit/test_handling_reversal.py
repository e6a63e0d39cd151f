"""An item whose ground is in doubt is held back, and one whose ground proved false is undone, once."""

from __future__ import annotations

import pytest

from shared.errors import Conflict
from shared.handling import tasks
from shared.handling.reversal import REVERSAL
from shared.handling.tasks import TaskDecision, TaskOutcome
from tests.support.fake_ctx import (
    effects_frozen,
    effects_released,
    fake_ctx,
    item_ready,
    item_requested,
    item_settled,
    message,
    reversal_requested,
    told,
)
from tests.support.toy_procedure import EFFECT, STANDING, Toy, Undoable, toy_engine

CTX = fake_ctx()
ENGINE = toy_engine(Undoable())
PLAIN = toy_engine(Toy())
FROZEN = effects_frozen()
RELEASED = effects_released()
REVERSED = reversal_requested()


def start(form=None, engine=ENGINE, **changed):
    return engine.on_item_requested(None, item_requested(CTX, "toy.thing", form, **changed), CTX).state


def settled(form=None, engine=ENGINE):
    return engine.on_item_settled(start(form, engine), item_settled(), CTX).state


def by_person(engine, item, outcome, kind=None):
    task = next(t for t in tasks.live_tasks(item) if kind in (None, t.kind))
    tasks.claim(item, task.id, "hand", CTX.now)
    decision = TaskDecision(task.id, task.lease, TaskOutcome(outcome), "hand", reason_code="SEEN")  # type: ignore[arg-type]
    return engine.decide(item, decision, CTX)


def standing(changes):
    return [put.values["state"] for put in changes.puts if put.table is STANDING]


def effects(changes):
    return [put for put in changes.puts if put.table is EFFECT]


def test_what_is_in_force_is_suspended_and_goes_on_when_the_doubt_is_settled():
    frozen = ENGINE.on_effects_frozen(settled(), FROZEN, CTX)
    assert standing(frozen) == ["suspended"]
    assert standing(ENGINE.on_effects_released(frozen.state, RELEASED, CTX)) == ["in_force"]


def test_effects_not_yet_carried_out_wait_and_are_carried_out_once():
    item = ENGINE.on_effects_frozen(start(), FROZEN, CTX).state
    applied = ENGINE.on_item_settled(item, item_settled(), CTX)
    assert not applied.puts
    released = ENGINE.on_effects_released(applied.state, RELEASED, CTX)
    assert len(effects(released)) == 1
    assert standing(released) == ["in_force"]
    assert not ENGINE.on_effects_released(released.state, RELEASED, CTX).puts


def test_an_open_item_in_doubt_is_decided_by_nobody_and_says_what_it_waits_for():
    item = ENGINE.on_effects_frozen(start({"people": True}, ready=False), FROZEN, CTX)
    assert message(item, "ItemProgressed").waiting_on.name == "OBJECTION"
    ready = ENGINE.on_item_ready(item.state, item_ready(), CTX)
    assert told(ready) == []
    with pytest.raises(Conflict, match="EFFECTS_FROZEN"):
        by_person(ENGINE, ready.state, "approve")
    released = ENGINE.on_effects_released(ready.state, RELEASED, CTX)
    assert message(released, "ItemProgressed").waiting_on.name == "review"


def test_a_rule_decides_nothing_meanwhile_and_does_afterwards():
    item = ENGINE.on_effects_frozen(start(ready=False), FROZEN, CTX).state
    ready = ENGINE.on_item_ready(item, item_ready(), CTX)
    assert told(ready) == []
    assert told(ENGINE.on_effects_released(ready.state, RELEASED, CTX)) == ["ItemDecided"]


def test_two_doubts_are_released_apart():
    other = FROZEN.model_copy(update={"ground": "SOURCE_CONTRADICTS"})
    item = ENGINE.on_effects_frozen(ENGINE.on_effects_frozen(settled(), FROZEN, CTX).state, other, CTX)
    assert standing(item) == []
    one = ENGINE.on_effects_released(item.state, RELEASED, CTX)
    assert standing(one) == []
    last = RELEASED.model_copy(update={"ground": "SOURCE_CONTRADICTS"})
    assert standing(ENGINE.on_effects_released(one.state, last, CTX)) == ["in_force"]


def test_what_is_in_force_is_undone_once_and_its_tasks_are_closed():
    item = settled({"afterwards": True})
    undone = ENGINE.on_reversal_requested(item, REVERSED, CTX)
    assert standing(undone) == ["reversed"]
    assert message(undone, "ItemRevoked").reason_code == "FACT_RETRACTED"
    assert [t.kind for t in tasks.live_tasks(undone.state)] == ["recovery"]
    again = ENGINE.on_reversal_requested(undone.state, REVERSED, CTX)
    assert (told(again), again.puts) == ([], [])


def test_a_person_decides_what_the_reversal_left_to_them():
    undone = ENGINE.on_reversal_requested(settled(), REVERSED, CTX).state
    assert standing(by_person(ENGINE, undone, "approve")) == ["recovery approve"]


def test_what_waited_is_dropped_by_a_reversal():
    item = ENGINE.on_effects_frozen(start(), FROZEN, CTX).state
    held = ENGINE.on_item_settled(item, item_settled(), CTX).state
    undone = ENGINE.on_reversal_requested(held, REVERSED, CTX)
    assert told(undone) == ["ItemRevoked"]
    assert not undone.puts
    assert not ENGINE.on_effects_released(undone.state, RELEASED, CTX).puts


def test_a_decision_not_yet_in_force_is_revoked_and_never_carried_out():
    undone = ENGINE.on_reversal_requested(start(), REVERSED, CTX)
    assert told(undone) == ["ItemRevoked"]
    assert not ENGINE.on_item_settled(undone.state, item_settled(), CTX).puts


def test_an_open_item_ends():
    undone = ENGINE.on_reversal_requested(start({"people": True}), REVERSED, CTX)
    assert told(undone) == ["ItemEnded"]
    assert tasks.live_tasks(undone.state) == []


def test_a_request_of_a_round_that_is_over_changes_nothing():
    item = ENGINE.on_item_requested(settled(), item_requested(CTX, "toy.thing", round=2), CTX).state
    assert told(ENGINE.on_reversal_requested(item, REVERSED, CTX)) == []


def test_the_round_asked_for_is_answered_where_a_correction_moved_the_case_on():
    later = REVERSED.model_copy(update={"round": 3})
    assert message(ENGINE.on_reversal_requested(settled(), later, CTX), "ItemRevoked").round == 3


def test_what_no_procedure_can_undo_a_person_decides():
    asked = PLAIN.on_reversal_requested(settled(engine=PLAIN), REVERSED, CTX)
    assert message(asked, "ItemProgressed").waiting_on.name == REVERSAL
    assert [t.kind for t in tasks.live_tasks(asked.state)] == [REVERSAL]
    assert told(by_person(PLAIN, asked.state, "approve")) == ["ItemRevoked"]


def test_a_person_may_let_it_stand_and_the_same_request_opens_nothing_again():
    frozen = PLAIN.on_effects_frozen(settled(engine=PLAIN), FROZEN, CTX).state
    asked = PLAIN.on_reversal_requested(frozen, REVERSED, CTX).state
    denied = by_person(PLAIN, asked, "deny", REVERSAL)
    assert message(denied, "ItemProgressed").waiting_on is None
    stands = denied.state
    assert (stands.phase, stands.frozen) == ("settled", [])
    assert tasks.live_tasks(PLAIN.on_reversal_requested(stands, REVERSED, CTX).state) == []
