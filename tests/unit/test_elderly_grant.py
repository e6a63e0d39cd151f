"""An application for the age allowance, through check, review and approval."""

from __future__ import annotations

import pytest

from services.elderly.handlers import PARTS
from services.elderly.service import SERVICE
from shared.catalog import registry
from shared.catalog.protocol import Finding
from shared.changes import Answer, Changes
from shared.errors import Conflict, RefusedError
from shared.handling import tasks
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.policy import Policy
from tests.support.fake_ctx import fake_ctx, item_requested, item_settled, message, sealed_part, told

CTX = fake_ctx("elderly", policy=Policy.load(SERVICE.policy), catalog=registry.load())
ENGINE = PARTS.engine
MATTER = "elderly.age_allowance"
APPLICANT = {"name": "王秀英", "id_type": "resident_id", "id_no": "420112193608150026"}
FORM = {"hukou_region": "420112001001", "bank_account": {"holder": "王秀英", "number": "62220200"}}
LOCAL = {"household": {"hukou_region": "420112001001"}, "life_check": {"alive": True}, "roll": {"benefits": []}}


def requested(form=FORM, applicant=APPLICANT, **parties) -> Changes:
    part = sealed_part(CTX, form, applicant=applicant, **parties)
    return ENGINE.on_item_requested(None, item_requested(CTX, MATTER, sealed=part, person_ref="p1_old"), CTX)


def answered(item, known=LOCAL, **status) -> Changes:
    changes = Changes(item)
    for name, data in known.items():
        answer = Answer(f"{name}@1", status.get(name, "confirmed"), data, name)
        changes = ENGINE.on_answer(changes.state, answer, CTX)
    return changes


def decide(item, kind, outcome, by, **more) -> Changes:
    task = next(t for t in tasks.live_tasks(item) if t.kind == kind)
    held = tasks.claim(item, task.id, by, CTX.now)
    return ENGINE.decide(item, TaskDecision(task.id, held.lease, TaskOutcome(outcome), by, **more), CTX)


def reviewed(item=None, outcome="approve", **more) -> Changes:
    return decide(item or answered(requested().state).state, "age_allowance_review", outcome, "handler", **more)


def live(item) -> list[str]:
    return [t.kind for t in tasks.live_tasks(item)]


def test_sources_are_asked_and_the_reviewer_gets_the_rule_s_proposal():
    first = requested()
    assert {a.source for a in first.asks} == {"household", "life_check", "benefit_roll"}
    item = answered(first.state).state
    (task,) = tasks.live_tasks(item)
    proposal = task.data["proposal"]
    assert (task.kind, task.role) == ("age_allowance_review", "handler")
    assert (proposal["amount"], proposal["from"], proposal["tier"]) == ("200.00", "2026-11", 90)
    assert proposal["reasons"] == []
    assert "王秀英" not in str(task.data)


def test_two_persons_grant_it_and_it_runs_from_the_month_of_the_application():
    item = reviewed().state
    assert live(item) == ["age_allowance_approval"]
    with pytest.raises(RefusedError, match="FOUR_EYES"):
        decide(item, "age_allowance_approval", "approve", "handler")
    decided = decide(item, "age_allowance_approval", "approve", "approver")
    result = message(decided, "ItemDecided")
    assert (result.outcome, result.by_rule) == ("approved", False)
    assert (result.result["amount"], result.result["from"]) == ("200.00", "2026-11")
    settled = ENGINE.on_item_settled(decided.state, item_settled(), CTX)
    (row,) = [p.values for p in settled.puts if p.table.name == "benefit"]
    assert (row["monthly_fen"], row["from_month"]) == (20000, "2026-11")
    event = message(settled, "AllowanceGranted")
    assert (event.person_ref, str(event.monthly), event.from_month) == ("p1_old", "200.00", "2026-11")


def test_a_denial_is_a_person_s_with_a_reason_and_the_law():
    denied = decide(reviewed().state, "age_allowance_approval", "deny", "approver", reason_code="NOT_LOCAL_HUKOU")
    result = message(denied, "ItemDecided")
    assert (result.outcome, result.reason_code, result.by_rule) == ("denied", "NOT_LOCAL_HUKOU", False)
    assert result.law
    assert told(ENGINE.on_item_settled(denied.state, item_settled(), CTX)) == []


def test_a_review_against_the_grant_goes_to_the_approver_with_its_opinion():
    item = reviewed(outcome="deny", reason_code="NOT_LOCAL_HUKOU").state
    (task,) = tasks.live_tasks(item)
    assert task.data["opinion"] == {"outcome": "deny", "reason_code": "NOT_LOCAL_HUKOU"}


def test_the_reviewer_may_ask_for_a_correction_and_reviews_the_new_part():
    finding = Finding(code="X", message_zh="请补", message_en="add")
    item = reviewed(outcome="request_correction", findings=(finding,)).state
    (public,) = item.findings
    assert (public.code, public.sealed is not None) == ("X", True)
    assert "请补" not in public.model_dump_json()
    assert live(item) == []


@pytest.mark.parametrize(
    ("known", "status", "reason"),
    [
        ({"household": {"hukou_region": "310101001001"}}, {}, "NOT_LOCAL_HUKOU"),
        ({}, {"household": "contradicted"}, "HUKOU_CONTRADICTED"),
        ({"life_check": {"alive": False}}, {}, "NOT_ALIVE"),
        ({"roll": {"benefits": [{"scheme": "age_allowance", "monthly": "200.00"}]}}, {}, "ALREADY_PAID"),
    ],
)
def test_what_speaks_against_a_grant_is_put_before_the_reviewer(known, status, reason):
    (task,) = tasks.live_tasks(answered(requested().state, {**LOCAL, **known}, **status).state)
    assert task.reason_code == reason
    assert reason in task.data["proposal"]["reasons"]


def test_a_silent_source_is_named_to_the_reviewer_and_stops_nobody():
    known = {**LOCAL, "household": {}, "life_check": {}}
    item = answered(requested().state, known, household="silent", life_check="silent").state
    (task,) = tasks.live_tasks(item)
    assert task.data["unanswered"] == ["household", "life_check"]
    assert task.reason_code == "SOURCE_SILENT"


def test_one_far_too_young_is_not_accepted_by_a_person_and_cannot_be_granted():
    young = {**APPLICANT, "id_no": "420112197003150014"}
    item = answered(requested(applicant=young).state).state
    assert item.accepted_at is None
    with pytest.raises(RefusedError, match="TOO_YOUNG"):
        reviewed(item)
    item = answered(requested(applicant=young).state).state
    turned_away = reviewed(item, outcome="not_accept", reason_code="TOO_YOUNG", comment="距八十周岁还有十六年")
    assert message(turned_away, "ItemNotAccepted").reason_code == "TOO_YOUNG"


def test_what_the_form_lacks_is_found_before_anything_is_asked():
    form = {**FORM, "bank_account": {"holder": "别人", "number": "1"}, "start_month": "2099-01"}
    foreign = {"name": "Ann", "id_type": "passport", "id_no": "X1234567"}
    changes = requested(form, foreign)
    codes = [f.code for f in message(changes, "CorrectionRequested").findings]
    assert codes == ["BIRTH_DATE_UNKNOWN", "START_MONTH_TOO_FAR", "ACCOUNT_HOLDER"]
    assert changes.asks == []


def test_an_agent_s_account_is_accepted():
    form = {**FORM, "bank_account": {"holder": "王小明", "number": "62220200"}}
    assert "CheckPassed" in told(requested(form, agent={"name": "王小明", "kind": "relative"}))


def test_a_decision_by_who_does_not_hold_the_task_is_refused():
    item = answered(requested().state).state
    (task,) = tasks.live_tasks(item)
    with pytest.raises(Conflict, match="LEASE_LOST"):
        ENGINE.decide(item, TaskDecision(task.id, task.id, TaskOutcome.APPROVE, "handler"), CTX)
