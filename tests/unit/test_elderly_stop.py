"""What happens to a dead person's allowance, through the handling protocol."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.elderly.handlers import PARTS
from services.elderly.service import SERVICE
from shared.catalog import registry
from shared.catalog.protocol import FactResult
from shared.changes import Answer, Changes
from shared.errors import RefusedError
from shared.handling import tasks
from shared.handling.sealing import open_result
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.outcomes import FactStatus, Nature
from shared.policy import Policy
from tests.support.fake_ctx import (
    CASE,
    ITEM,
    at,
    effects_frozen,
    effects_released,
    fake_ctx,
    item_ready,
    item_requested,
    item_settled,
    message,
    reversal_requested,
    sealed_part,
    told,
)

CTX = fake_ctx("elderly", policy=Policy.load(SERVICE.policy), catalog=registry.load())
ENGINE = PARTS.engine
MATTER = "elderly.benefit_stop"
SUBJECT = {"role": "deceased", "name": "李国强", "id_type": "resident_id", "id_no": "420112194002290011"}
PAYEE = {"holder": "李明", "number": "6222020000000000000", "for": ["unpaid_benefits"]}
FORM = {"death": {"date": "2026-11-10"}, "kinship_commitment": True, "payee": PAYEE}
ALLOWANCE = {"scheme": "age_allowance", "monthly": "100.00", "paid_through": "2026-09"}


def requested(form=FORM) -> Changes:
    part = sealed_part(CTX, form, subject=SUBJECT, applicant={"name": "李明"})
    request = item_requested(
        CTX, MATTER, nature=Nature.EX_OFFICIO, ready=False, check="none", sealed=part, person_ref="p1_dead"
    )
    return ENGINE.on_item_requested(None, request, CTX)


def answered(item, benefits, status="confirmed") -> Changes:
    return ENGINE.on_answer(item, Answer("roll@1", status, {"benefits": benefits}, "benefit_roll"), CTX)


def ready(item, *, to_person=False, occurred_on=date(2026, 11, 10)) -> Changes:
    fact = FactResult(fact="death_confirmed", status=FactStatus.CONFIRMED, source="death", occurred_on=occurred_on)
    return ENGINE.on_item_ready(item, item_ready(facts=(fact,), to_person=to_person), CTX)


def decided(benefits, form=FORM, **more) -> Changes:
    return ready(answered(requested(form).state, benefits).state, **more)


def rows(changes: Changes, table: str) -> list[dict]:
    return [dict(p.values) for p in changes.puts if p.table.name == table]


def decide(item, kind, outcome, by="handler", **more) -> Changes:
    task = next(t for t in tasks.live_tasks(item) if t.kind == kind)
    held = tasks.claim(item, task.id, by, CTX.now)
    return ENGINE.decide(item, TaskDecision(task.id, held.lease, TaskOutcome(outcome), by, **more), CTX)


def test_the_roll_is_asked_at_once_and_nothing_is_decided_before_the_death_is_established():
    first = requested()
    (ask,) = first.asks
    assert (ask.source, ask.question["family"], ask.question["died_on"]) == ("benefit_roll", "elderly", "2026-11-10")
    assert ask.question["person"] == {k: SUBJECT[k] for k in ("id_type", "id_no", "name")}
    assert "ItemDecided" not in told(answered(first.state, [ALLOWANCE]))


def test_the_sample_ends_with_december_and_200_owed_to_the_heir():
    result = message(decided([ALLOWANCE]), "ItemDecided")
    assert (result.outcome, result.reason_code, result.by_rule) == ("approved", "DEATH_CONFIRMED", True)
    assert (result.result["from"], result.result["owed"]) == ("2026-12", "200.00")
    assert "死亡次月停发" in result.law
    personal = open_result(CTX.keyring.sealer(), "elderly", CASE, ITEM, 1, result.sealed)
    assert personal == {"payee": {"holder": "李明", "number": "6222020000000000000"}}
    assert "李明" not in result.model_dump_json()


def test_the_answer_may_come_after_the_death_is_established():
    assert "ItemDecided" in told(answered(ready(requested().state).state, [ALLOWANCE]))


def test_what_the_source_says_of_the_day_counts_not_the_family_s_claim():
    result = message(decided([ALLOWANCE], occurred_on=date(2026, 10, 31)), "ItemDecided").result
    assert (result["from"], result["owed"]) == ("2026-11", "100.00")


def test_nobody_on_the_roll_is_not_applicable():
    result = message(decided([]), "ItemDecided")
    assert (result.outcome, result.reason_code) == ("not_applicable", "NOT_ON_ROLL")
    settled = ENGINE.on_item_settled(decided([]).state, item_settled(), CTX)
    assert not rows(settled, "stop")


def test_another_family_s_benefits_are_left_alone():
    assert message(decided([{**ALLOWANCE, "family": "assistance"}]), "ItemDecided").outcome == "not_applicable"


def test_nothing_takes_effect_before_the_decision_is_in_force():
    before = decided([ALLOWANCE])
    assert not rows(before, "stop")
    settled = ENGINE.on_item_settled(before.state, item_settled(), CTX)
    (stop,), (owed,) = rows(settled, "stop"), rows(settled, "settlement")
    assert (stop["from_month"], stop["owed_fen"]) == ("2026-12", 20000)
    assert (owed["kind"], owed["amount_fen"], owed["state"]) == ("owed", 20000, "payable")
    event = message(settled, "AllowanceStopped")
    assert (event.person_ref, event.from_month, str(event.owed)) == ("p1_dead", "2026-12", "200.00")
    assert not tasks.live_tasks(settled.state)


def test_a_late_decision_leaves_nothing_behind():
    settled = ENGINE.on_item_settled(decided([ALLOWANCE]).state, item_settled("late"), CTX)
    assert not rows(settled, "stop")
    assert told(settled) == []


def test_an_overpayment_is_proposed_to_a_person_and_never_recovered_by_rule():
    settled = ENGINE.on_item_settled(decided([{**ALLOWANCE, "paid_through": "2026-12"}]).state, item_settled(), CTX)
    (row,) = rows(settled, "settlement")
    assert (row["kind"], row["amount_fen"], row["state"]) == ("overpaid", 10000, "proposed")
    assert [t.kind for t in tasks.live_tasks(settled.state)] == ["overpayment"]
    (after,) = rows(decide(settled.state, "overpayment", "approve"), "settlement")
    assert (after["state"], after["decided_by"], after["id"]) == ("to_recover", "handler", row["id"])


def test_money_owed_without_an_heir_s_account_is_looked_for_by_a_person():
    form = {"death": FORM["death"]}
    settled = ENGINE.on_item_settled(decided([ALLOWANCE], form).state, item_settled(), CTX)
    assert rows(settled, "settlement")[0]["state"] == "payee_wanted"
    with pytest.raises(RefusedError, match="PAYEE_REQUIRED"):
        decide(settled.state, "heir_payee", "approve")
    settled = ENGINE.on_item_settled(decided([ALLOWANCE], form).state, item_settled(), CTX)
    found = decide(settled.state, "heir_payee", "approve", result={"personal": {"payee": {"holder": "李明"}}})
    assert rows(found, "settlement")[0]["state"] == "payable"


def test_money_owed_is_never_paid_into_the_dead_person_s_account():
    # 殡葬规格订正 6: 应发未发的付给具结的继承人,不付入逝者账户.
    own = {**FORM, "payee": {**PAYEE, "holder": SUBJECT["name"]}}
    settled = ENGINE.on_item_settled(decided([ALLOWANCE], own).state, item_settled(), CTX)
    assert rows(settled, "settlement")[0]["state"] == "payee_wanted"
    with pytest.raises(RefusedError, match="PAYEE_REQUIRED"):
        decide(settled.state, "heir_payee", "approve", result={"personal": {"payee": {"holder": SUBJECT["name"]}}})


def test_whoever_received_the_application_does_not_decide_what_a_rule_proposed():
    item = requested().state
    item.acted = ["clerk"]
    proposed = ready(answered(item, [ALLOWANCE]).state, to_person=True).state
    with pytest.raises(RefusedError, match="FOUR_EYES"):
        decide(proposed, "rule_review", "approve", by="clerk")


def test_a_contradiction_sends_the_rule_s_proposal_to_a_person():
    proposed = decided([ALLOWANCE], to_person=True)
    assert "ItemDecided" not in told(proposed)
    result = message(decide(proposed.state, "rule_review", "approve"), "ItemDecided")
    assert (result.by_rule, result.result["owed"]) == (False, "200.00")


def test_a_roll_at_odds_with_itself_goes_to_a_person():
    item = ready(answered(requested().state, [ALLOWANCE], status="contradicted").state).state
    assert message(decide(item, "roll_check", "approve"), "ItemDecided").result["owed"] == "200.00"


# --- the death was not so (殡葬规格第 5 节: person.death.retracted, 恢复资格、补发) ---

JANUARY = at(CTX, datetime(2027, 1, 15, 2, 0, tzinfo=UTC))


def in_force(benefits=(ALLOWANCE,), form=FORM):
    return ENGINE.on_item_settled(decided(list(benefits), form).state, item_settled(), CTX).state


def undone(item):
    return ENGINE.on_reversal_requested(item, reversal_requested(), JANUARY)


def test_a_death_in_doubt_suspends_the_stop_and_what_is_owed_and_its_end_brings_both_back():
    frozen = ENGINE.on_effects_frozen(in_force(), effects_frozen(), JANUARY)
    assert [r["state"] for t in ("stop", "settlement") for r in rows(frozen, t)] == ["suspended", "suspended"]
    assert rows(frozen, "stop")[0]["stopped_at"] == CTX.now
    released = ENGINE.on_effects_released(frozen.state, effects_released(), JANUARY)
    assert [r["state"] for t in ("stop", "settlement") for r in rows(released, t)] == ["in_force", "payable"]


def test_a_retracted_death_has_the_allowance_run_again_with_all_that_fell_due():
    """Marriage and funeral paper, section 5: 恢复资格、补发. Paid through September 2026, back in January 2027."""
    back = undone(in_force())
    assert [r["state"] for r in rows(back, "stop")] == ["reversed"]
    sums = {r["kind"]: (r["amount_fen"], r["state"]) for r in rows(back, "settlement")}
    assert sums["owed"] == (20000, "reversed")
    assert sums["arrears"] == (40000, "payable")
    assert sums["heir_recovery"] == (20000, "proposed")
    told_all = message(back, "AllowanceRestored")
    assert (told_all.person_ref, told_all.from_month, str(told_all.arrears)) == ("p1_dead", "2027-02", "400.00")
    assert message(back, "ItemRevoked").reason_code == "FACT_RETRACTED"


def test_what_an_heir_was_paid_is_a_persons_decision():
    back = undone(in_force()).state
    assert [t.kind for t in tasks.live_tasks(back)] == ["heir_recovery"]
    (row,) = rows(decide(back, "heir_recovery", "deny", reason_code="PAID_ON"), "settlement")
    assert (row["kind"], row["state"], row["decided_by"]) == ("heir_recovery", "waived", "handler")


def test_what_was_overpaid_was_due_after_all_and_its_task_is_closed():
    back = undone(in_force([{**ALLOWANCE, "paid_through": "2026-12"}]))
    sums = {r["kind"]: (r["amount_fen"], r["state"]) for r in rows(back, "settlement")}
    assert sums == {"overpaid": (10000, "reversed"), "arrears": (10000, "payable")}
    assert not tasks.live_tasks(back.state)


def recovered():
    return decide(in_force([{**ALLOWANCE, "paid_through": "2026-12"}]), "overpayment", "approve").state


def test_what_was_taken_back_from_the_family_is_looked_into():
    (task,) = tasks.live_tasks(undone(recovered()).state)
    assert task.data["recovered_from_family"] == "100.00"


def test_what_a_person_decided_of_an_overpayment_stands_again_once_the_doubt_is_over():
    frozen = ENGINE.on_effects_frozen(recovered(), effects_frozen(), CTX)
    assert rows(frozen, "settlement")[0]["state"] == "suspended"
    released = ENGINE.on_effects_released(frozen.state, effects_released(), CTX)
    assert {r["state"] for r in rows(released, "settlement")} == {"to_recover"}


def test_nobody_on_the_roll_has_nothing_to_undo_and_is_revoked():
    back = undone(in_force([]))
    assert (told(back), back.puts) == (["ItemRevoked"], [])
