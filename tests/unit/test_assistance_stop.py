"""What a death does to a person's own relief and to the household's, through the handling protocol."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.assistance.handlers import PARTS
from services.assistance.service import SERVICE
from shared.catalog import registry
from shared.catalog.protocol import FactResult
from shared.changes import Answer, Changes
from shared.errors import Invalid, RefusedError
from shared.handling import tasks
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.outcomes import FactStatus, Nature
from shared.policy import Policy
from tests.support.fake_ctx import (
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

CTX = fake_ctx("assistance", policy=Policy.load(SERVICE.policy), catalog=registry.load())
LATER = at(CTX, datetime(2026, 12, 15, 2, 0, tzinfo=UTC))
ENGINE = PARTS.engine
SUBJECT = {"role": "deceased", "name": "李国强", "id_type": "resident_id", "id_no": "420112194002290011"}
HOUSEHOLD = {
    "scheme": "minimum_living",
    "monthly": "990.00",
    "household": {"members": 3, "income": "1500.00", "subject_income": "600.00"},
}
OWN = {"scheme": "disability_living", "monthly": "110.00", "paid_through": "2026-11"}
HEARING = {"at": "2026-12-14T10:00:00+08:00", "said": "同意按两人计算"}


def decided(benefits) -> Changes:
    form = {"death": {"date": "2026-11-10"}}
    part = sealed_part(CTX, form, subject=SUBJECT, applicant={"name": "李明"})
    request = item_requested(
        CTX,
        "assistance.benefit_stop",
        nature=Nature.EX_OFFICIO,
        ready=False,
        check="none",
        sealed=part,
        person_ref="p1_dead",
    )
    item = ENGINE.on_item_requested(None, request, CTX).state
    item = ENGINE.on_answer(item, Answer("roll@1", "confirmed", {"benefits": benefits}, "benefit_roll"), CTX).state
    fact = FactResult(
        fact="death_confirmed", status=FactStatus.CONFIRMED, source="death", occurred_on=date(2026, 11, 10)
    )
    return ENGINE.on_item_ready(item, item_ready(facts=(fact,)), CTX)


def settled(benefits) -> Changes:
    return ENGINE.on_item_settled(decided(benefits).state, item_settled(), CTX)


def rows(changes: Changes, table: str) -> list[dict]:
    return [dict(p.values) for p in changes.puts if p.table.name == table]


def decide_review(item, outcome="approve", **more) -> Changes:
    (task,) = [t for t in tasks.live_tasks(item) if t.kind == "household_review"]
    held = tasks.claim(item, task.id, "handler", LATER.now)
    return ENGINE.decide(item, TaskDecision(task.id, held.lease, TaskOutcome(outcome), "handler", **more), LATER)


def test_nobody_on_the_roll_is_not_applicable():
    result = message(decided([]), "ItemDecided")
    assert (result.outcome, result.reason_code, result.by_rule) == ("not_applicable", "NOT_ON_ROLL", True)


def test_the_person_s_own_benefits_end_by_rule():
    result = message(decided([OWN]), "ItemDecided")
    assert (result.outcome, result.by_rule, result.result["from"]) == ("approved", True, "2026-12")
    assert "household_review" not in result.result
    done = settled([OWN])
    assert [row["scheme"] for row in rows(done, "stop")] == ["disability_living"]
    event = message(done, "BenefitsStopped")
    assert (event.schemes, event.from_month) == (("disability_living",), "2026-12")
    assert tasks.live_tasks(done.state) == []


def test_a_household_s_allowance_is_not_stopped_and_its_means_are_told_to_nobody():
    result = message(decided([HOUSEHOLD]), "ItemDecided")
    assert (result.outcome, result.result["schemes"]) == ("approved", [])
    assert result.result["household_review"] == {"due": "2027-02-10"}
    assert "1500" not in result.model_dump_json()
    assert "990" not in result.model_dump_json()


def test_the_review_opens_when_the_decision_is_in_force_and_reduces_nothing():
    assert "household_review" not in [t.kind for t in decided([OWN, HOUSEHOLD]).state.tasks]
    done = settled([OWN, HOUSEHOLD])
    (task,) = tasks.live_tasks(done.state)
    assert (task.kind, task.role, task.due) == ("household_review", "handler", date(2027, 2, 10))
    assert task.data["proposal"]["before"] == "990.00"
    assert task.data["proposal"]["after"] == "760.00"
    (row,) = rows(done, "household_review")
    assert (row["state"], row["before_fen"], row["after_fen"]) == ("open", 99000, None)
    assert message(done, "HouseholdReviewOpened").due == date(2027, 2, 10)
    assert "HouseholdReassessed" not in told(done)


def test_a_reduction_without_a_recorded_hearing_is_refused_with_the_law():
    for hearing in (
        None,
        {"at": "2026-12-14T10:00:00+08:00"},
        {"said": "同意"},
        {**HEARING, "at": "2027-01-01T10:00:00Z"},
    ):
        with pytest.raises(RefusedError, match="HEARING_REQUIRED") as refused:
            decide_review(settled([HOUSEHOLD]).state, result={"hearing": hearing} if hearing else {})
        assert "第四十八条" in refused.value.refused.law


def test_after_the_hearing_the_handler_decides_and_the_new_amount_is_published():
    after = decide_review(settled([HOUSEHOLD]).state, result={"hearing": HEARING})
    event = message(after, "HouseholdReassessed")
    assert (event.members_before, event.members_after) == (3, 2)
    assert (str(event.before), str(event.after), event.from_month) == ("990.00", "760.00", "2027-01")
    assert after.emits[-1].topic == "onewindow.assistance.events"
    (row,) = rows(after, "household_review")
    assert (row["state"], row["after_fen"], row["from_month"]) == ("reassessed", 76000, "2027-01")
    assert row["heard_at"] == datetime.fromisoformat(HEARING["at"])
    assert "同意" not in str(row)
    assert tasks.live_tasks(after.state) == []


def test_the_income_found_by_the_handler_counts():
    after = decide_review(settled([HOUSEHOLD]).state, result={"hearing": HEARING, "income": "700.00"})
    assert str(message(after, "HouseholdReassessed").after) == "960.00"


def test_an_increase_needs_no_hearing():
    after = decide_review(settled([HOUSEHOLD]).state, result={"income": "600.00"})
    assert str(message(after, "HouseholdReassessed").after) == "1060.00"


def test_an_income_that_cannot_be_read_is_named():
    with pytest.raises(Invalid, match="/result/income"):
        decide_review(settled([HOUSEHOLD]).state, result={"hearing": HEARING, "income": "-3"})


def test_a_household_that_stays_as_it_is_publishes_nothing():
    after = decide_review(settled([HOUSEHOLD]).state, "deny", reason_code="NO_CHANGE")
    assert "HouseholdReassessed" not in told(after)
    (row,) = rows(after, "household_review")
    assert (row["state"], row["after_fen"]) == ("unchanged", 99000)


# --- the death was not so ---

MARCH = at(CTX, datetime(2027, 3, 10, 2, 0, tzinfo=UTC))


def undone(item) -> Changes:
    return ENGINE.on_reversal_requested(item, reversal_requested(), MARCH)


def test_a_retracted_death_has_the_persons_own_benefits_run_again_and_the_review_undone():
    back = undone(settled([OWN, HOUSEHOLD]).state)
    assert [r["state"] for r in rows(back, "stop")] == ["reversed"]
    sums = {r["kind"]: (r["amount_fen"], r["state"]) for r in rows(back, "settlement")}
    assert sums == {"arrears": (44000, "payable")}
    assert [r["state"] for r in rows(back, "household_review")] == ["reversed"]
    event = message(back, "BenefitsRestored")
    assert (event.schemes, event.from_month, str(event.arrears)) == (("disability_living",), "2027-04", "440.00")
    assert not tasks.live_tasks(back.state)
    assert "HouseholdReassessed" not in told(back)


def test_a_household_that_was_reduced_gets_what_it_had_and_what_it_missed():
    reduced = decide_review(settled([HOUSEHOLD]).state, result={"hearing": HEARING}).state
    back = undone(reduced)
    (row,) = rows(back, "settlement")
    assert (row["kind"], row["amount_fen"], row["lines"][0]["months"]) == (
        "household_arrears",
        3 * 23000,
        ["2027-01", "2027-02", "2027-03"],
    )
    event = message(back, "HouseholdReassessed")
    assert (event.members_after, str(event.before), str(event.after), event.from_month) == (
        3,
        "760.00",
        "990.00",
        "2027-04",
    )


def test_a_review_rests_while_the_death_is_in_doubt_and_stands_as_decided_afterwards():
    reduced = decide_review(settled([HOUSEHOLD]).state, result={"hearing": HEARING}).state
    frozen = ENGINE.on_effects_frozen(reduced, effects_frozen(), MARCH)
    assert rows(frozen, "household_review")[0]["state"] == "suspended"
    released = ENGINE.on_effects_released(frozen.state, effects_released(), MARCH)
    after = rows(released, "household_review")[-1]
    assert (after["state"], after["after_fen"], after["from_month"]) == ("reassessed", 76000, "2027-01")
    assert "HouseholdReassessed" not in told(released), "it was said when it was decided"
