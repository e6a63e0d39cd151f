"""An application for temporary relief, through check, review, publicity and approval."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.assistance.handlers import PARTS
from services.assistance.service import SERVICE
from shared.catalog import registry
from shared.catalog.protocol import MaterialRef
from shared.changes import Changes, Timer
from shared.clock import beijing_date
from shared.errors import Invalid, RefusedError
from shared.handling import tasks
from shared.handling.basis import law_of
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.policy import Policy
from tests.support.fake_ctx import at, fake_ctx, item_requested, item_settled, message, sealed_part, told

# V21: reported on a Friday, 2026-11-20.
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CTX = fake_ctx("assistance", now=NOW, policy=Policy.load(SERVICE.policy), catalog=registry.load())
ENGINE = PARTS.engine
APPLICANT = {"name": "张伟", "id_type": "resident_id", "id_no": "420112197003150014"}
CHILD = {"name": "张小", "id_type": "resident_id", "id_no": "420112201003150011"}
FORM = {
    "hardship_type": "quick",
    "occurred_at": "2026-11-19",
    "occurred_region": "420112001001",
    "description": "家中失火",
    "requested_amount": "1000.00",
    "bank_account": {"holder": "张伟", "number": "62220200"},
}


def requested(materials=(), household=(CHILD,), **form) -> Changes:
    part = sealed_part(CTX, {**FORM, **form}, applicant=APPLICANT, household=list(household))
    request = item_requested(
        CTX,
        "assistance.temporary",
        sealed=part,
        person_ref="p1_poor",
        received_at=NOW,
        materials=tuple(MaterialRef(type=t, source="upload") for t in materials),
    )
    return ENGINE.on_item_requested(None, request, CTX)


def decide(item, kind, outcome, by, ctx=CTX, **more) -> Changes:
    (task,) = [t for t in tasks.live_tasks(item) if t.kind == kind]
    held = tasks.claim(item, task.id, by, ctx.now)
    return ENGINE.decide(item, TaskDecision(task.id, held.lease, TaskOutcome(outcome), by, **more), ctx)


def reviewed(item, outcome="approve", **more) -> Changes:
    return decide(item, "temporary_review", outcome, "handler", **more)


def live(item) -> list[str]:
    return [t.kind for t in tasks.live_tasks(item)]


def test_vector_v21_quick_relief_is_decided_by_one_person_within_three_calendar_days():
    first = requested()
    assert "ItemAccepted" in told(first)
    assert first.asks == []  # 小额快救不核对
    (task,) = tasks.live_tasks(first.state)
    assert (task.role, task.due) == ("handler", date(2026, 11, 23))
    assert task.data["proposal"]["amount"] == "830.00"
    decided = reviewed(first.state)
    result = message(decided, "ItemDecided")
    assert (result.outcome, result.by_rule, result.result["amount"]) == ("approved", False, "830.00")
    settled = ENGINE.on_item_settled(decided.state, item_settled(), CTX)
    (row,) = [p.values for p in settled.puts if p.table.name == "relief"]
    assert row["amount_fen"] == 83000
    event = message(settled, "TemporaryAssistanceGranted")
    assert (event.person_ref, str(event.amount), event.hardship_type) == ("p1_poor", "830.00", "quick")


@pytest.mark.parametrize(
    ("household", "persons"),
    [
        ((), 1),
        ((CHILD,), 2),
        ((APPLICANT, CHILD, CHILD), 2),
        (({"name": "新生儿", "id_type": "unknown"}, {"name": "老人", "id_type": "unknown"}), 3),
    ],
)
def test_each_person_of_the_household_counts_once_with_or_without_a_number(household, persons):
    changes = requested(household=household, hardship_type="urgent", requested_amount="9000.00")
    (task,) = tasks.live_tasks(changes.state)
    assert task.data["proposal"]["explanation"][0].startswith(f"封顶 830.00 × 2 × {persons} = ")


def test_whoever_received_the_application_does_not_decide_it_alone():
    # 窗口只做形式审查,同一人不得受理又审批同一件: where one person decides, that is another one.
    item = requested().state
    (task,) = tasks.live_tasks(item)
    assert task.barred == sorted(item.acted)
    other = requested().state
    assert tasks.claim(other, task.id, "handler", NOW).holder == "handler"


def test_less_is_granted_when_less_is_asked_or_decided():
    assert message(reviewed(requested(requested_amount="500.00").state), "ItemDecided").result["amount"] == "500.00"
    less = reviewed(requested().state, result={"amount": "600.00"})
    assert message(less, "ItemDecided").result["amount"] == "600.00"


@pytest.mark.parametrize("kind", ["quick", "urgent", "expenditure"])
def test_nobody_grants_more_than_the_cap(kind):
    item = requested(("commitment",), hardship_type=kind, expenses=[{"type": "medical", "amount": "1.00"}]).state
    with pytest.raises(RefusedError, match="OVER_CAP"):
        reviewed(item, result={"amount": "99999.00"})


def test_an_amount_that_cannot_be_read_is_named():
    with pytest.raises(Invalid, match="/result/amount"):
        reviewed(requested().state, result={"amount": "much"})


def test_urgent_relief_needs_a_second_person_who_may_change_the_amount():
    item = reviewed(requested(hardship_type="urgent", requested_amount="9000.00").state).state
    (task,) = tasks.live_tasks(item)
    assert task.kind == "temporary_approval"
    assert task.data["opinion"]["amount"] == "3320.00"  # two persons, two standards each
    with pytest.raises(RefusedError, match="FOUR_EYES"):
        decide(item, "temporary_approval", "approve", "handler")
    decided = decide(item, "temporary_approval", "approve", "approver", result={"amount": "3000.00"})
    assert message(decided, "ItemDecided").result["amount"] == "3000.00"


def test_what_the_reviewer_decided_stands_unless_the_approver_says_otherwise():
    item = reviewed(requested(hardship_type="urgent").state, result={"amount": "900.00"}).state
    decided = decide(item, "temporary_approval", "approve", "approver")
    assert message(decided, "ItemDecided").result["amount"] == "900.00"


@pytest.mark.parametrize(("day", "cited"), [(datetime(2026, 6, 30, 2, 0, tzinfo=UTC), False), (NOW, True)])
def test_the_law_on_social_assistance_is_cited_from_the_day_of_its_effect(day, cited):
    """assistance 0-1: 2026-07-01 施行; 规则集必须按日期分版本."""
    law = law_of("assistance.temporary", at(CTX, day))
    assert ("《社会救助法》" in law, "民发〔2018〕23号" in law) == (cited, True)


def test_a_denial_carries_reason_and_law():
    result = message(reviewed(requested().state, "deny", reason_code="NOT_AN_EMERGENCY"), "ItemDecided")
    assert (result.outcome, result.reason_code) == ("denied", "NOT_AN_EMERGENCY")
    assert "社会救助法" in result.law


def test_expenditure_is_made_public_for_seven_days_before_the_approval():
    first = requested(
        ("authorization",), hardship_type="expenditure", expenses=[{"type": "medical", "amount": "700.00"}]
    )
    item = reviewed(first.state)
    (timer,) = [t for t in item.timers if t.name.startswith("wake:publicity")]
    assert (item.state.stage, live(item.state)) == ("PUBLICIZING", [])
    assert beijing_date(timer.due_at) == date(2026, 11, 28)  # V14: seven full days, the next one is the earliest
    after = ENGINE.on_timer(item.state, Timer(timer.name, {}), at(CTX, timer.due_at))
    assert live(after.state) == ["temporary_approval"]
    decided = decide(after.state, "temporary_approval", "approve", "approver", ctx=at(CTX, timer.due_at))
    assert message(decided, "ItemDecided").result["amount"] == "700.00"


def test_what_expenditure_lacks_is_found():
    changes = requested(hardship_type="expenditure", bank_account={"holder": "别人", "number": "1"})
    codes = [f.code for f in message(changes, "CorrectionRequested").findings]
    assert codes == ["ACCOUNT_HOLDER", "EXPENSES_REQUIRED", "MATERIAL_MISSING"]


def test_a_hardship_of_long_ago_is_measured_by_the_day_of_the_application():
    (task,) = tasks.live_tasks(requested(occurred_at="1990-01-01").state)
    assert task.data["proposal"]["amount"] == "830.00"
