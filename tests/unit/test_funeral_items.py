"""The two funeral matters as items: what ends them, what goes to a person, what they visibly wait for."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from services.funeral.handlers import LOCAL, PARTS
from services.funeral.service import SERVICE
from services.funeral.store import REPORTED
from shared.catalog.protocol import MaterialRef, PrerequisiteResult
from shared.catalog.registry import load
from shared.changes import Answer, Timer
from shared.errors import Conflict
from shared.handling import tasks
from shared.handling.tables import ITEM
from shared.handling.tasks import TaskDecision
from shared.outcomes import ItemStatus, WaitKind
from shared.person_index import PersonIndex
from shared.policy import Policy
from tests.support.catalogue import SAMPLE
from tests.support.fake_ctx import (
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

assert SERVICE.policy is not None
CTX = fake_ctx("funeral", policy=Policy.load(SERVICE.policy), catalog=load())
REF = PersonIndex(CTX.keyring.index_key).person_ref("resident_id", SAMPLE["subject"]["id_no"])
KINSHIP = MaterialRef(type="kinship_proof", source="commitment")
CREMATED = PrerequisiteResult(
    matter="funeral.cremation",
    outcome=ItemStatus.APPROVED,
    public={"cremated_on": "2026-11-12", "home_no": "FH-420112-01", "done_in_world": True},
)


def report(**changes):
    """What the sample family's home reports."""
    found = {
        "home_no": "FH-420112-01",
        "name": "李国强",
        "certificate_no": "HH-2026-1",
        "died_on": "2026-11-10",
        "cremated_on": "2026-11-12",
        "charges": deepcopy(SAMPLE["form"]["fee_items"]),
    }
    return {**found, **changes}


class Desk:
    """One item of a matter, from its request on; `last` are the last changes."""

    def __init__(self, matter, form=None, **changed):
        part = sealed_part(CTX, {**SAMPLE["form"], **(form or {})}, subject=SAMPLE["subject"])
        given = {"sealed": part, "person_ref": REF, "materials": (KINSHIP,), **changed}
        self.item: Any = None
        self._take(PARTS.engine.on_item_requested(None, item_requested(CTX, matter, **given), CTX))

    def _take(self, changes):
        self.last, self.item = changes, changes.state
        return self

    def ready(self, **changed):
        return self._take(PARTS.engine.on_item_ready(self.item, item_ready(**changed), CTX))

    def says(self, name, status="confirmed", **data):
        answer = Answer(f"{name}@1", status, data, "source", None)
        return self._take(LOCAL[(ITEM, "answer:*")](self.item, answer, CTX))

    def reports(self, *reports, name="report", waived=()):
        return self.says(name, reports=list(reports), waived=list(waived))

    def home_reports(self):
        return self._take(LOCAL[(ITEM, f"timer:{REPORTED}")](self.item, Timer(REPORTED, {}), CTX))

    def decides(self, outcome, reason="SEEN", **result):
        (task,) = tasks.live_tasks(self.item)
        item = self.item.model_copy(deep=True)
        held = tasks.claim(item, task.id, "wang", CTX.now)
        assert held.lease is not None
        decision = TaskDecision(task.id, held.lease, tasks.TaskOutcome(outcome), "wang", reason, result=result)
        return self._take(PARTS.engine.decide(item, decision, replace(CTX, actor="wang")))

    def settled(self, status="applied"):
        return self._take(PARTS.engine.on_item_settled(self.item, item_settled(status), CTX))

    @property
    def decided(self):
        return message(self.last, "ItemDecided")

    @property
    def task(self):
        (task,) = tasks.live_tasks(self.item)
        return task


def cremation(**changed):
    return Desk("funeral.cremation", check="none", **changed)


def fee_waiver(**changed):
    return Desk("funeral.fee_waiver", ready=False, **changed).ready(results=(CREMATED,))


# --- cremation ---


def test_a_cremation_reported_before_the_application_ends_it_at_once():
    decided = cremation().reports(report()).decided
    assert decided.outcome == "approved"
    assert decided.by_rule
    assert decided.result == {"cremated_on": "2026-11-12", "home_no": "FH-420112-01", "done_in_world": True}
    assert decided.sealed is not None


def test_without_report_and_with_a_silent_register_it_visibly_waits_for_the_home():
    desk = cremation().reports().says("register", "silent")
    assert desk.item.phase == "open"
    assert (desk.item.waiting_on.kind, desk.item.waiting_on.name) == (WaitKind.DEPARTMENT, "FH-420112-01")
    assert desk.item.stage == "AWAITING_REPORT"


def test_a_cremation_reported_after_the_application_ends_it():
    desk = cremation().reports().says("register", "silent").home_reports()
    assert [ask.name for ask in desk.last.asks] == ["report.2@1"]
    assert desk.reports(report(), name="report.2").decided.outcome == "approved"


def test_a_report_that_comes_while_the_first_question_is_open_is_read_once():
    desk = cremation().home_reports()
    assert desk.reports(name="report").item.phase == "open"
    assert desk.reports(report(), name="report.2").decided.reason_code == "REPORTED_BY_HOME"


def test_a_cremation_held_by_the_register_ends_it():
    desk = cremation().reports()
    assert desk.last.asks[0].source == "cremation"
    desk.says("register", cremated_on="2026-11-12", home_no="FH-420112-01", certificate_no="HH-2026-1")
    assert desk.decided.reason_code == "HELD_BY_REGISTER"


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"died_on": "2026-11-09"}, ["died_on"]),
        ({"home_no": "FH-420112-02"}, ["home_no"]),
        ({"name": "李国"}, ["name"]),
        ({"died_on": "2026-11-08", "cremated_on": "2026-11-09"}, ["died_on", "cremated_on"]),
    ],
)
def test_a_report_that_differs_from_what_the_family_states_goes_to_a_person(changed, differs):
    desk = cremation().reports(report(**changed))
    assert desk.task.reason_code == "REPORT_DIFFERS"
    assert desk.task.data["differs"] == differs
    assert desk.decides("approve").decided.by_rule is False


def test_two_reports_about_one_person_go_to_a_person_who_names_the_right_one():
    desk = cremation().reports(report(), report(home_no="FH-420112-02", certificate_no="X-7"))
    assert desk.task.reason_code == "SEVERAL_REPORTS"
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("approve")
    assert desk.decides("approve", report=2).decided.result["home_no"] == "FH-420112-02"


def test_a_register_that_contradicts_goes_to_a_person_who_needs_evidence():
    desk = cremation().reports().says("register", "contradicted")
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("approve")
    assert desk.decides("approve", cremated_on="2026-11-13").decided.result["cremated_on"] == "2026-11-13"


def test_a_notification_is_never_denied():
    desk = cremation().reports().says("register", "contradicted")
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("deny")


# --- fee waiver ---


def test_the_sample_familys_waiver_is_granted_by_rule_to_the_cent():
    decided = fee_waiver().reports(report()).decided
    assert (decided.outcome, decided.by_rule) == ("approved", True)
    assert (decided.result["waived"], decided.result["family_pays"]) == ("980.00", "0.00")
    assert decided.result["amount"] == "980.00"
    assert len(decided.result["lines"]) == 5


def test_nothing_is_asked_before_the_cremation_is_established():
    assert Desk("funeral.fee_waiver", ready=False).last.asks == []


def test_the_settlement_with_the_home_follows_only_once_the_decision_is_in_force():
    desk = fee_waiver().reports(report())
    assert not any(put.table.name == "settlement_line" for put in desk.last.puts)
    lines = [put.values for put in desk.settled().last.puts if put.table.name == "settlement_line"]
    assert sum(line["waived_fen"] for line in lines) == 98_000
    assert {(line["home_no"], line["month"], line["person_ref"]) for line in lines} == {
        ("FH-420112-01", "2026-11", REF)
    }
    published = message(desk.last, "FeeWaiverSettled")
    assert (str(published.waived), str(published.family_pays)) == ("980.00", "0.00")


def test_a_decision_that_came_too_late_settles_nothing():
    desk = fee_waiver().reports(report()).settled("late")
    assert (desk.last.puts, told(desk.last)) == ([], [])


def test_without_a_report_the_bill_is_fetched_with_what_the_family_states():
    desk = fee_waiver().reports()
    (ask,) = desk.last.asks
    assert (ask.source, ask.question["charges"]) == ("cremation", SAMPLE["form"]["fee_items"])
    desk.says("bill", cremated_on="2026-11-12", home_no="FH-420112-01", charges=SAMPLE["form"]["fee_items"])
    assert desk.decided.result["waived"] == "980.00"


def test_without_any_bill_it_visibly_waits_for_the_home_until_it_reports():
    desk = fee_waiver().reports().says("bill", "silent")
    assert desk.item.waiting_on.kind == WaitKind.DEPARTMENT
    assert desk.home_reports().reports(report(), name="report.2").decided.by_rule


def test_charges_that_differ_go_to_a_person_and_the_homes_report_rules():
    charges = [{**c, "charged": "450.00"} if c["code"] == "urn" else c for c in SAMPLE["form"]["fee_items"]]
    desk = fee_waiver().reports(report(charges=charges))
    assert desk.task.reason_code == "CHARGES_DIFFER"
    assert desk.task.data == {"differs": ["urn"], "waived": "980.00"}
    decided = desk.decides("approve").decided
    assert not decided.by_rule
    assert (decided.result["waived"], decided.result["family_pays"]) == ("980.00", "300.00")


def test_a_waiver_granted_before_for_the_same_person_goes_to_a_person():
    desk = fee_waiver().reports(report(), waived=["urn"])
    assert desk.task.reason_code == "ALREADY_WAIVED"
    assert desk.decides("deny", "ALREADY_WAIVED").decided.outcome == "denied"


@pytest.mark.parametrize(
    ("changed", "form", "reason"),
    [
        ({"home_no": "FH-510100-01"}, {}, "CREMATED_ELSEWHERE"),
        ({}, {"death": {**SAMPLE["form"]["death"], "place_region": "510100"}}, "HOUSEHOLD_REGISTER_TO_CHECK"),
        ({"charges": [{"code": "flowers", "quantity": 1, "charged": "10.00"}]}, {}, "NOTHING_TO_WAIVE"),
        ({"charges": []}, {}, "NO_BILL"),
    ],
)
def test_what_a_rule_cannot_judge_goes_to_a_person(changed, form, reason):
    bill = report(**changed)
    stated = {"fee_items": bill["charges"] or SAMPLE["form"]["fee_items"], **form}
    assert fee_waiver(form=stated).reports(bill).task.reason_code == reason


def test_a_cremation_before_there_was_a_waiver_goes_to_a_person_who_has_nothing_to_grant_by():
    old = {"death": {**SAMPLE["form"]["death"], "date": "2019-05-10"}}
    desk = fee_waiver(form=old).reports(report(died_on="2019-05-10", cremated_on="2019-05-12"))
    assert desk.task.reason_code == "BEFORE_PROGRAMME"
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("approve")
    assert desk.decides("deny", "BEFORE_PROGRAMME").decided.outcome == "denied"


def test_what_a_person_must_decide_is_only_proposed_by_the_rule():
    desk = Desk("funeral.fee_waiver", ready=False).ready(results=(CREMATED,), to_person=True).reports(report())
    assert desk.task.kind == "rule_review"
    assert desk.decides("approve").decided.result["waived"] == "980.00"


def test_missing_kinship_and_an_unknown_charge_are_found_together():
    stated = {"fee_items": [*SAMPLE["form"]["fee_items"], {"code": "gold", "quantity": 1, "charged": "1.00"}]}
    desk = Desk("funeral.fee_waiver", form=stated, ready=False, materials=())
    findings = message(desk.last, "CorrectionRequested").findings
    assert [f.code for f in findings] == ["MATERIAL_MISSING", "UNKNOWN_CHARGE"]
    assert findings[1].pointer == "/form/fee_items/5/code"


def test_nothing_personal_stands_in_what_a_waiver_tells_everyone():
    desk = fee_waiver().reports(report())
    public = [m.model_dump_json() for m in (desk.decided, message(desk.settled().last, "FeeWaiverSettled"))]
    for text in public:
        assert "李国强" not in text
        assert SAMPLE["subject"]["id_no"] not in text


# --- the death was not so ---


def _lines(changes):
    return [put.values for put in changes.puts if put.table.name == "settlement_line"]


def test_a_certificate_of_one_who_lives_is_void_and_a_supervisor_finds_out_who_was_cremated():
    item = cremation().reports(report()).settled().item
    undone = PARTS.engine.on_reversal_requested(item, reversal_requested(), CTX)
    assert message(undone, "ItemRevoked").reason_code == "FACT_RETRACTED"
    (task,) = tasks.live_tasks(undone.state)
    assert (task.kind, task.role, task.data["home_no"]) == ("cremated_person", "supervisor", "FH-420112-01")


def test_a_waiver_in_doubt_is_not_settled_with_the_home_meanwhile():
    item = fee_waiver().reports(report()).settled().item
    frozen = PARTS.engine.on_effects_frozen(item, effects_frozen(), CTX)
    assert {line["state"] for line in _lines(frozen)} == {"suspended"}
    released = PARTS.engine.on_effects_released(frozen.state, effects_released(), CTX)
    assert {line["state"] for line in _lines(released)} == {"in_force"}


@pytest.mark.parametrize(("outcome", "state"), [("approve", "deducted"), ("deny", "written_off")])
def test_a_waiver_undone_leaves_the_settlement_and_what_was_paid_is_a_persons_decision(outcome, state):
    desk = fee_waiver().reports(report()).settled()
    desk._take(PARTS.engine.on_reversal_requested(desk.item, reversal_requested(), CTX))
    assert {line["state"] for line in _lines(desk.last)} == {"reversed"}
    assert str(message(desk.last, "FeeWaiverReversed").waived) == "980.00"
    assert desk.task.data["waived"] == "980.00"
    assert {line["state"] for line in _lines(desk.decides(outcome).last)} == {state}
