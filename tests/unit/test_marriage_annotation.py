"""The annotation of a marriage record after a death: by rule where the register is clear, else by a registrar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.marriage.api import shown
from services.marriage.handlers import PARTS
from services.marriage.service import SERVICE
from shared.catalog.protocol import FactResult
from shared.catalog.registry import load
from shared.changes import Answer
from shared.errors import Conflict
from shared.handling import tasks
from shared.handling.sealing import open_result
from shared.handling.tasks import TaskDecision
from shared.outcomes import FactStatus, Nature
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
CTX = fake_ctx("marriage", policy=Policy.load(SERVICE.policy), catalog=load())
WIFE: dict[str, Any] = {"name": "王秀英", "id_type": "resident_id", "id_no": "420112194506150021", "alive": True}
RECORD = {"cert_no": "J420112-1968-000123", "registered_on": "1968-05-20", "status": "married", "spouse": WIFE}
DEATH = FactResult(fact="death_confirmed", status=FactStatus.CONFIRMED, source="death", occurred_on=date(2026, 11, 10))


class Desk:
    """One item; `last` are the last changes."""

    def __init__(self):
        part = sealed_part(CTX, {"death": SAMPLE["form"]["death"]}, subject=SAMPLE["subject"])
        given: dict[str, Any] = {
            "sealed": part,
            "person_ref": "p1_" + "a" * 64,
            "nature": Nature.EX_OFFICIO,
            "check": "none",
        }
        request = item_requested(CTX, "marriage.record_annotation", ready=False, **given)
        self._take(PARTS.engine.on_item_requested(None, request, CTX))

    def _take(self, changes):
        self.last, self.item = changes, changes.state
        return self

    def says(self, *records, status="confirmed"):
        answer = Answer("marriage_record@1", status, {"records": list(records)}, "register", None)
        return self._take(PARTS.engine.on_answer(self.item, answer, CTX))

    def ready(self, **changed):
        return self._take(PARTS.engine.on_item_ready(self.item, item_ready(facts=(DEATH,), **changed), CTX))

    def decides(self, outcome, **result):
        item = self.item.model_copy(deep=True)
        (task,) = tasks.live_tasks(item)
        held = tasks.claim(item, task.id, "li", CTX.now)
        assert held.lease is not None
        decision = TaskDecision(task.id, held.lease, tasks.TaskOutcome(outcome), "li", "SEEN", result=result)
        return self._take(PARTS.engine.decide(item, decision, replace(CTX, actor="li")))

    def settled(self, status="applied"):
        return self._take(PARTS.engine.on_item_settled(self.item, item_settled(status), CTX))

    @property
    def decided(self):
        return message(self.last, "ItemDecided")

    @property
    def task(self):
        (task,) = tasks.live_tasks(self.item)
        return task


def test_the_living_spouses_record_is_annotated_by_rule_when_the_death_is_established():
    desk = Desk().says(RECORD)
    assert "ItemDecided" not in told(desk.last)
    decided = desk.ready().decided
    assert (decided.outcome, decided.by_rule) == ("approved", True)
    assert decided.result == {"annotation": "WIDOWED_SPOUSE", "annotated_on": "2026-11-23"}
    assert "婚姻登记条例" in decided.law


def test_the_answer_may_come_after_the_death_is_established():
    desk = Desk().ready()
    assert [wait.name for wait in desk.item.waits.values()] == ["婚姻登记信息"]
    assert desk.says(RECORD).decided.outcome == "approved"


def test_the_spouse_is_told_to_intake_alone():
    desk = Desk().says(RECORD).ready()
    sealed = desk.decided.sealed
    told_to_intake = open_result(CTX.keyring.sealer(), "marriage", desk.item.case_id, desk.item.id, 1, sealed)
    assert told_to_intake["spouse"] == {"name": "王秀英", "id_no": WIFE["id_no"]}
    assert told_to_intake["effective_on"] == "2026-11-10"
    for message_ in (e.message.model_dump_json() for e in desk.last.emits):
        assert "王秀英" not in message_
        assert WIFE["id_no"] not in message_


def test_the_annotation_is_made_only_once_the_decision_is_in_force():
    desk = Desk().says(RECORD).ready()
    assert not any(put.table.name == "annotation" for put in desk.last.puts)
    (put,) = [put for put in desk.settled().last.puts if put.table.name == "annotation"]
    ref = PersonIndex(CTX.keyring.index_key).person_ref("resident_id", WIFE["id_no"])
    assert (put.values["person_ref"], put.values["effective_on"]) == (ref, date(2026, 11, 10))
    assert "王秀英" not in str(put.values)
    assert message(desk.last, "RecordAnnotated").person_ref == ref
    assert shown(dict(put.values), CTX)["spouse"] == {"name": "王**", "id_no": "420112********0021"}


def test_an_annotation_that_came_too_late_is_dropped():
    desk = Desk().says(RECORD).ready().settled("late")
    assert (desk.last.puts, told(desk.last)) == ([], [])


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], "NO_MARRIAGE_RECORD"),
        ([{**RECORD, "status": "divorced"}], "NO_MARRIAGE_IN_FORCE"),
        ([{**RECORD, "spouse": {**WIFE, "alive": False}}], "SPOUSE_DIED_BEFORE"),
    ],
)
def test_where_there_is_nobody_to_annotate_it_does_not_apply(records, reason):
    decided = Desk().says(*records).ready().decided
    assert (decided.outcome, decided.reason_code, decided.by_rule) == ("not_applicable", reason, True)


@pytest.mark.parametrize(
    ("records", "status", "reason"),
    [
        ([RECORD, {**RECORD, "cert_no": "J420112-1990-000009"}], "confirmed", "SEVERAL_RECORDS"),
        ([{**RECORD, "spouse": {**WIFE, "alive": None}}], "confirmed", "SPOUSE_UNCLEAR"),
        ([], "contradicted", "SOURCE_CONTRADICTS"),
    ],
)
def test_a_register_that_does_not_speak_clearly_goes_to_a_registrar(records, status, reason):
    desk = Desk().says(*records, status=status).ready()
    assert (desk.task.role, desk.task.reason_code) == ("registrar", reason)
    assert desk.decides("not_applicable").decided.outcome == "not_applicable"


def test_a_registrar_names_the_record_of_several():
    other = {**RECORD, "cert_no": "J420112-1990-000009", "spouse": {**WIFE, "id_no": "420112195001010024"}}
    desk = Desk().says(RECORD, other).ready()
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("approve")
    desk.decides("approve", record=2)
    assert desk.decided.by_rule is False
    told_ref = message(desk.settled().last, "RecordAnnotated").person_ref
    assert told_ref == PersonIndex(CTX.keyring.index_key).person_ref("resident_id", "420112195001010024")


def test_an_ex_officio_matter_is_never_denied():
    desk = Desk().says(status="contradicted").ready()
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.decides("deny")


def test_a_silent_register_leaves_the_item_visibly_waiting():
    desk = Desk().ready().says(status="silent")
    assert (desk.item.phase, desk.item.waiting_on.name) == ("open", "婚姻登记信息")


def test_what_a_person_must_decide_is_only_proposed_by_the_rule():
    desk = Desk().says(RECORD).ready(to_person=True)
    assert desk.task.kind == "rule_review"
    desk.decides("approve")
    assert desk.decided.outcome == "approved"
    assert message(desk.settled().last, "RecordAnnotated").status == "widowed"


def _annotation(changes):
    (put,) = [put for put in changes.puts if put.table.name == "annotation"]
    return put.values


def test_an_annotation_rests_while_the_death_is_in_doubt():
    item = Desk().says(RECORD).ready().settled().item
    frozen = PARTS.engine.on_effects_frozen(item, effects_frozen(), CTX)
    assert _annotation(frozen)["state"] == "suspended"
    released = PARTS.engine.on_effects_released(frozen.state, effects_released(), CTX)
    assert _annotation(released)["state"] == "in_force"


def test_a_retracted_death_takes_the_annotation_away_and_a_registrar_looks_at_the_marriage():
    """民法典第五十一条: the marriage stands again, unless the spouse married anew or will not have it back."""
    item = Desk().says(RECORD).ready().settled().item
    undone = PARTS.engine.on_reversal_requested(item, reversal_requested(), CTX)
    assert _annotation(undone)["state"] == "reversed"
    ref = PersonIndex(CTX.keyring.index_key).person_ref("resident_id", WIFE["id_no"])
    removed = message(undone, "AnnotationRemoved")
    assert (removed.person_ref, removed.status) == (ref, "married")
    (task,) = tasks.live_tasks(undone.state)
    assert (task.kind, task.role) == ("annotation_removed", "registrar")
    assert "王秀英" not in "".join(e.message.model_dump_json() for e in undone.emits)
