"""A fact that is objected to holds back what rests on it; one that is retracted undoes it in every service."""

from datetime import timedelta

from services.coordinator.domain.stuck import note_stuck
from shared.catalog import protocol as p
from tests.support.coordination import Desk, item_id, names, planned


def desk():
    """1 waits for the death, 2 falls with it without waiting, 3 comes after 2, 4 has nothing to do with it."""
    return Desk(planned(1, facts=["death"]), planned(2, rests_on=["death"]), planned(3, [(2, True)]), planned(4))


def decided(*items, on=None):
    made = on or desk()
    made.fact("death", "confirmed")
    for n in items:
        made.decide(n)
    return made


def sent(messages, kind):
    return [m.item_id for m in messages if isinstance(m, kind)]


def test_an_objection_freezes_at_once_whatever_rests_on_the_fact_decided_or_not():
    made = decided(1, 2)
    said = made.dispute()
    assert sent(said, p.EffectsFrozen) == [item_id(1), item_id(2), item_id(3)]
    assert [i.frozen and i.frozen.ground for i in made.view.items] == ["OBJECTION"] * 3 + [None]
    assert made.view.items[0].waiting_on.kind == "task"
    assert made.dispute() == []


def test_an_objection_of_before_the_confirmation_holds_too():
    made = desk()
    assert len(sent(made.dispute(), p.EffectsFrozen)) == 3


def test_what_was_frozen_is_released_when_the_objection_was_unfounded_once():
    made = decided(1, 2)
    made.dispute()
    said = made.uphold()
    assert sent(said, p.EffectsReleased) == [item_id(1), item_id(2), item_id(3)]
    assert not any(i.frozen or i.waiting_on for i in made.view.items[:2])
    assert made.uphold() == []


def test_two_grounds_are_released_apart():
    made = decided(1)
    made.dispute()
    made.dispute("SOURCE_CONTRADICTS")
    made.uphold()
    assert made.view.items[0].frozen.ground == "SOURCE_CONTRADICTS"


def test_a_retraction_undoes_what_was_decided_and_ends_what_waits():
    made = decided(1, 2, 3, 4)
    made.dispute()
    said = made.fact("death", "contradicted", refuted=True)
    assert sent(said, p.ReversalRequested) == [item_id(1), item_id(2), item_id(3)]
    assert {(m.cause, m.reason_code) for m in said if isinstance(m, p.ReversalRequested)} == {
        ("fact_retracted", "FACT_RETRACTED")
    }
    assert made.view.items[0].waiting_on.name == "reversal"
    made.up(p.ItemRevoked, 1, reason_code="FACT_RETRACTED")
    made.up(p.ItemRevoked, 2)
    said = made.up(p.ItemRevoked, 3)
    assert names(said) == ["ItemSettled", "CaseReopened", "ItemConcluded", "CaseClosed"]
    assert [i.status for i in made.view.items] == ["revoked"] * 3 + ["approved"]
    assert made.view.outcome == "partly_approved"


def test_what_is_open_when_the_fact_is_retracted_ends_or_goes_on_by_a_person():
    made = desk()
    made.fact("death", "confirmed")
    made.dispute()
    said = made.fact("death", "contradicted", refuted=True)
    assert sent(said, p.ItemCancelled) == [item_id(1)]
    assert sent(said, p.EffectsReleased) == [item_id(2), item_id(3)]
    assert sent(said, p.ReversalRequested) == []


def test_an_objection_against_what_is_retracted_already_holds_nothing():
    made = decided(1)
    made.fact("death", "contradicted", refuted=True)
    assert made.dispute() == []


def test_a_revocation_of_an_item_that_was_corrected_meanwhile_has_its_round():
    made = decided(1)
    made.up(p.ItemCorrected, 1)
    (asked,) = [m for m in made.fact("death", "contradicted", refuted=True) if isinstance(m, p.ReversalRequested)]
    assert asked.round == 2
    made.up(p.ItemRevoked, 1, 2)
    assert made.item(1).status == "revoked"


def test_a_handler_that_leaves_it_to_a_person_says_so_and_may_let_it_stand():
    made = decided(1)
    made.fact("death", "contradicted", refuted=True)
    waiting = p.WaitingOn(kind="task", name="a person", since=made.now)
    made.up(p.ItemProgressed, 1, waiting_on=waiting)
    assert made.view.items[0].waiting_on == waiting
    made.up(p.ItemProgressed, 1, waiting_on=None)
    assert made.view.items[0].waiting_on is None
    assert made.item(1).status == "approved"


def test_a_handler_that_does_not_answer_a_reversal_is_an_operators_task():
    made = decided(1)
    made.fact("death", "contradicted", refuted=True)
    made.look(lambda turn: note_stuck(turn, made.now + timedelta(minutes=6), ["s1"]))
    assert [t.kind for t in made.case.tasks] == ["stuck"]


def test_the_supervisor_settles_what_a_source_contradicts_after_it_confirmed():
    for outcome, kind in (("approve", p.EffectsReleased), ("deny", p.ReversalRequested)):
        made = decided(1)
        made.fact("death", "contradicted")
        said = made.settle_task(outcome)
        assert item_id(1) in sent(said, kind)
        assert not [t for t in made.case.tasks if t.state == "open"]
