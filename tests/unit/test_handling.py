"""One item through the handling protocol: what is told upwards, what waits for whom, what is carried out when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.catalog.protocol import DOWN, Finding, ItemCancelled, ItemSupplemented, WithdrawalRequested
from shared.changes import Answer, Ask, CancelAsk, SetTimer, Timer
from shared.errors import Conflict, Invalid, Poison, RefusedError
from shared.handling import tasks
from shared.handling.assembly import handling_parts
from shared.handling.procedure import Conclude
from shared.handling.run import ProcedureFault
from shared.handling.sealing import open_names, open_result, open_work
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.outcomes import Decision
from tests.support.fake_ctx import (
    CASE,
    ITEM,
    NOW,
    at,
    fake_ctx,
    item_ready,
    item_requested,
    item_settled,
    message,
    sealed_part,
    told,
)
from tests.support.toy_procedure import EFFECT, LAW, TABLES, Toy, toy_engine

ENGINE = toy_engine()
CTX = fake_ctx()


def start(form=None, **changed):
    changes = ENGINE.on_item_requested(None, item_requested(CTX, "toy.thing", form, **changed), CTX)
    return changes.state, changes


def by_person(item, outcome, account="hand", ctx=CTX, **more):
    task: Any = tasks.live_tasks(item)[0]
    tasks.claim(item, task.id, account, ctx.now)
    return ENGINE.decide(item, TaskDecision(task.id, task.lease, TaskOutcome(outcome), account, **more), ctx)


def withdrawal(round_=1):
    return WithdrawalRequested(item_id=ITEM, case_id=CASE, round=round_, reason_code="APPLICANT_WITHDREW")


def cancelled(cause="terminated"):
    return ItemCancelled(item_id=ITEM, case_id=CASE, round=1, cause=cause, reason_code="PREREQUISITE_REFUSED")


def test_a_ready_item_that_a_rule_grants_is_decided_at_once_which_implies_its_acceptance():
    item, changes = start()
    assert told(changes) == ["CheckPassed", "ItemDecided"]
    assert item.accepted_at == NOW
    decided = message(changes, "ItemDecided")
    assert (decided.by_rule, decided.result, decided.law) == (True, {"amount": "100.00"}, LAW)
    assert item.phase == "decided"
    assert not changes.puts


def test_what_is_personal_in_a_result_is_sealed_and_opens_with_the_services_key():
    _, changes = start()
    sealed = message(changes, "ItemDecided").sealed
    assert open_result(CTX.keyring.sealer(), "toy", CASE, ITEM, 1, sealed) == {"payee": "李明"}


def test_notes_at_rest_tell_nothing():
    item, _ = start()
    assert "李明" not in item.model_dump_json()
    assert open_work(item, CTX).notes["payee"] == "李明"


def test_an_item_that_is_not_ready_is_checked_and_decided_only_when_ready():
    item, changes = start(ready=False)
    assert told(changes) == ["CheckPassed"]
    assert told(ENGINE.on_item_ready(item, item_ready(), CTX)) == ["ItemDecided"]


def test_a_matter_without_check_says_nothing_of_one():
    _, changes = start(check="none")
    assert told(changes) == ["ItemDecided"]


def test_a_finding_holds_the_item_back_until_it_is_cured():
    item, changes = start({"missing": True})
    assert told(changes) == ["CorrectionRequested", "ItemProgressed"]
    assert item.waiting_on.kind == "applicant"
    assert told(ENGINE.on_item_ready(item, item_ready(), CTX)) == []
    cured = ItemSupplemented(
        item_id=ITEM, case_id=CASE, round=1, sealed=sealed_part(CTX, {}, sealed_round=2), sealed_round=2
    )
    assert told(ENGINE.on_item_supplemented(item, cured, CTX)) == ["CheckPassed", "ItemDecided"]


def test_a_source_is_asked_once():
    item, changes = start({"ask": True})
    assert changes.asks == [Ask("roll@1", "roll", {"key": "x"}, False)]
    assert told(changes) == ["CheckPassed", "ItemProgressed"]
    assert (item.waiting_on, item.stage) == (None, "ASKING")
    again = ENGINE.on_item_ready(item, item_ready(), CTX)
    assert (again.asks, told(again)) == ([], [])


def test_silence_leaves_the_item_waiting_visibly_and_the_later_answer_moves_it_once():
    item, _ = start({"ask": True})
    assert told(ENGINE.on_answer(item, Answer("roll@1", "silent", {}, "roll"), CTX)) == ["ItemProgressed"]
    assert (item.waiting_on.kind, item.waiting_on.name) == ("source", "名册")
    confirmed = Answer("roll@1", "confirmed", {"amount": 5}, "roll", "R-1")
    assert told(ENGINE.on_answer(item, confirmed, CTX)) == ["ItemDecided"]
    assert told(ENGINE.on_answer(item, confirmed, CTX)) == []
    assert open_work(item, CTX).answers["roll"]["source_no"] == "R-1"


def test_a_contradiction_is_the_procedures_to_judge():
    item, _ = start({"ask": True})
    changes = ENGINE.on_answer(item, Answer("roll@1", "contradicted", {}, "roll"), CTX)
    assert told(changes) == ["ItemProgressed"]
    assert item.waiting_on.kind == "task"
    assert item.reviewing
    assert changes.puts[0].table is TABLES.task


def test_a_wake_calls_the_procedure_once():
    item, changes = start({"wake": True})
    (timer,) = changes.timers
    assert timer == SetTimer("wake:later@1", NOW + timedelta(days=3))
    assert item.waiting_on.kind == "time"
    fired = Timer(timer.name, {})
    assert told(ENGINE.on_timer(item, fired, at(CTX, timer.due_at))) == ["ItemDecided"]
    assert told(ENGINE.on_timer(item, fired, at(CTX, timer.due_at))) == []


def test_this_services_own_news_moves_an_item_that_waits_for_it():
    item, _ = start({"wait": True})
    assert item.waiting_on.name == "殡仪馆"
    assert told(ENGINE.nudge(item, CTX, private={"reported": True})) == ["ItemDecided"]


def test_two_persons_review_and_approve():
    item, changes = start({"people": True})
    assert told(changes) == ["CheckPassed", "ItemProgressed"]
    assert by_person(item, "approve").state.stage == "APPROVAL"
    done = by_person(item, "approve", "boss")
    assert message(done, "ItemDecided").acted == ("hand", "boss")
    assert not message(done, "ItemDecided").by_rule


def test_who_reviewed_may_not_approve():
    item, _ = start({"people": True})
    by_person(item, "approve")
    with pytest.raises(RefusedError) as refused:
        by_person(item, "approve", "hand")
    assert refused.value.code == "FOUR_EYES"


def test_sent_back_the_review_is_opened_again():
    item, _ = start({"people": True})
    by_person(item, "approve")
    by_person(item, "send_back", "boss", reason_code="UNCLEAR")
    assert [t.kind for t in tasks.live_tasks(item)] == ["review"]
    by_person(item, "approve")
    assert told(by_person(item, "approve", "boss"))[-1] == "ItemDecided"
    assert len({t.id for t in item.tasks}) == 4


def test_a_person_may_ask_for_a_correction_and_decides_anew_after_it():
    item, _ = start({"people": True})
    finding = Finding(code="PHOTO", message_zh="照片", message_en="photo")
    changes = by_person(item, "request_correction", findings=(finding,))
    assert told(changes) == ["CorrectionRequested", "ItemProgressed"]
    cured = ItemSupplemented(
        item_id=ITEM, case_id=CASE, round=1, sealed=sealed_part(CTX, {"people": True}, sealed_round=2), sealed_round=2
    )
    assert told(ENGINE.on_item_supplemented(item, cured, CTX)) == ["CheckPassed", "ItemProgressed"]
    assert [t.kind for t in tasks.live_tasks(item)] == ["review"]


def test_a_person_may_not_accept_or_return_the_item():
    item, _ = start({"people": True})
    changes = by_person(
        item,
        "not_accept",
        reason_code="OTHER_OFFICE",
        comment="户籍地在外区",
        result={"law": LAW, "where_to_go": "县局"},
    )
    assert message(changes, "ItemNotAccepted").where_to_go == "县局"
    assert item.phase == "ended"
    said = message(changes, "ItemNotAccepted")
    assert (said.acted, said.by) == (("hand",), "hand")
    words = open_result(CTX.keyring.sealer(), "toy", CASE, ITEM, 1, said.sealed)
    assert words == {"comment": "户籍地在外区"}
    item, _ = start({"people": True})
    assert told(by_person(item, "return", reason_code="WRONG_PLACE")) == ["ItemReturned"]
    assert told(ENGINE.on_withdrawal_requested(item, withdrawal(), CTX)) == ["WithdrawalAnswered"]


def test_who_is_turned_away_is_told_why_in_words():
    """行政许可法第三十二条: 不予受理的,出具书面凭证; 说明理由."""
    item, _ = start({"people": True})
    with pytest.raises(Invalid) as wrong:
        by_person(item, "not_accept", reason_code="OTHER_OFFICE")
    assert [e.pointer for e in wrong.value.errors] == ["/comment"]


def test_what_a_person_says_names_them_and_all_who_acted_before_under_seal_and_a_rule_names_nobody():
    item, changes = start({"people": True})
    assert {(m.by, m.names) for m in (e.message for e in changes.emits) if hasattr(m, "by")} == {(None, None)}
    accepted = message(by_person(item, "accept", name="张三"), "ItemAccepted")
    assert accepted.by == "hand"
    names = open_names(CTX.keyring.sealer(), "toy", CASE, ITEM, accepted.names)
    assert names == {"hand": "张三"}
    assert "张三" not in item.model_dump_json()


def test_an_incomplete_decision_names_what_is_missing():
    item, _ = start({"people": True})
    with pytest.raises(Invalid) as wrong:
        by_person(item, "deny")
    assert wrong.value.errors[0].pointer == "/reason_code"


def test_an_outcome_that_leads_nowhere_is_refused_and_says_so():
    item, _ = start({"people": True})
    by_person(item, "approve")
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        by_person(item, "not_applicable", "boss")


def test_a_rule_never_denies():
    class Denies(Toy):
        def advance(self, work, ctx):
            return [Conclude(Decision.DENIED, "NO", LAW, by_rule=True)]

    with pytest.raises(ProcedureFault):
        toy_engine(Denies()).on_item_requested(None, item_requested(CTX, "toy.thing"), CTX)


def test_an_item_that_nothing_would_ever_move_is_a_fault_of_its_procedure():
    with pytest.raises(ProcedureFault):
        start({"nothing": True})


def test_what_a_rule_proposes_goes_to_a_person_where_it_must():
    item, _ = start(ready=False)
    changes = ENGINE.on_item_ready(item, item_ready(to_person=True), CTX)
    assert told(changes) == ["ItemProgressed"]
    assert "李明" not in item.model_dump_json()
    decided = message(by_person(item, "approve"), "ItemDecided")
    assert (decided.by_rule, decided.result, decided.acted) == (False, {"amount": "100.00"}, ("hand",))
    assert open_result(CTX.keyring.sealer(), "toy", CASE, ITEM, 1, decided.sealed) == {"payee": "李明"}


def test_a_person_may_deny_what_a_rule_proposes():
    item, _ = start(ready=False)
    ENGINE.on_item_ready(item, item_ready(to_person=True), CTX)
    decided = message(by_person(item, "deny", reason_code="REFUTED"), "ItemDecided")
    assert (decided.outcome, decided.reason_code, decided.result) == ("denied", "REFUTED", {})


def test_a_denial_tells_the_applicant_what_whoever_denied_it_wrote_and_a_grant_does_not():
    """行政许可法第三十八条、社会救助法第四十八条: a decision against somebody says why."""
    for outcome, told_ in (("deny", {"comment": "家中有存款"}), ("approve", {"payee": "李明"})):
        item, _ = start(ready=False)
        ENGINE.on_item_ready(item, item_ready(to_person=True), CTX)
        decided = message(by_person(item, outcome, reason_code="R", comment="家中有存款"), "ItemDecided")
        assert open_result(CTX.keyring.sealer(), "toy", CASE, ITEM, 1, decided.sealed) == told_


def test_effects_wait_for_the_settlement_and_come_once():
    item, changes = start()
    assert not changes.puts
    settled = ENGINE.on_item_settled(item, item_settled(), CTX)
    assert [p.table for p in settled.puts] == [EFFECT]
    assert [e.topic for e in settled.emits] == ["onewindow.toy.events"]
    again = ENGINE.on_item_settled(item, item_settled(), CTX)
    assert (again.puts, again.emits) == ([], [])


def test_a_late_decision_has_no_effects():
    item, _ = start()
    late = ENGINE.on_item_settled(item, item_settled("late"), CTX)
    assert (late.puts, late.emits, item.phase) == ([], [], "ended")


def test_work_after_the_settlement_goes_on_by_its_own_tasks():
    item, _ = start({"afterwards": True})
    ENGINE.on_item_settled(item, item_settled(), CTX)
    heard = {"hearing": {"at": "2026-11-24", "said": "家里只剩两个人"}}
    changes = by_person(item, "approve", result=heard)
    assert message(changes, "ToyGranted").what == "again: approve"
    assert told(changes) == ["ToyGranted"]
    assert item.decisions[0].result == {"hearing": {"at": "2026-11-24"}}
    assert "两个人" not in item.model_dump_json()
    assert open_work(item, CTX).said("afterwards")["hearing"]["said"] == "家里只剩两个人"


def test_a_withdrawal_is_agreed_while_open_and_stops_everything():
    item, _ = start({"ask": True})
    changes = ENGINE.on_withdrawal_requested(item, withdrawal(), CTX)
    assert message(changes, "WithdrawalAnswered").answer == "agreed"
    assert changes.asks == [CancelAsk("roll@1")]
    assert told(ENGINE.on_answer(item, Answer("roll@1", "confirmed", {}, "roll"), CTX)) == []
    assert told(ENGINE.on_withdrawal_requested(item, withdrawal(), CTX)) == []


def test_a_withdrawal_after_the_decision_lets_the_decision_stand():
    item, _ = start()
    changes = ENGINE.on_withdrawal_requested(item, withdrawal(), CTX)
    assert message(changes, "WithdrawalAnswered").answer == "already_decided"
    assert item.phase == "decided"


def test_a_cancelled_item_drops_its_decision_and_its_tasks():
    item, _ = start()
    ENGINE.on_item_cancelled(item, cancelled(), CTX)
    assert ENGINE.on_item_settled(item, item_settled(), CTX).puts == []
    item, _ = start({"people": True})
    changes = ENGINE.on_item_cancelled(item, cancelled(), CTX)
    assert [p.values["state"] for p in changes.puts] == ["cancelled"]
    assert told(changes) == []


def test_a_new_round_begins_again_and_forgets_the_old_rounds_answers():
    item, _ = start({"ask": True})
    ENGINE.on_answer(item, Answer("roll@1", "confirmed", {}, "roll"), CTX)
    ENGINE.on_item_settled(item, item_settled(), CTX)
    changes = ENGINE.on_item_requested(item, item_requested(CTX, "toy.thing", {"ask": True}, round=2), CTX)
    assert [a.name for a in changes.asks] == ["roll@2"]
    assert (item.phase, item.round, item.outcome) == ("open", 2, None)
    assert told(ENGINE.on_answer(item, Answer("roll@1", "contradicted", {}, "roll"), CTX)) == []
    decided = ENGINE.on_answer(item, Answer("roll@2", "confirmed", {}, "roll"), CTX)
    assert message(decided, "ItemDecided").round == 2
    assert len(ENGINE.on_item_settled(item, item_settled(round_=2), CTX).puts) == 1


def test_an_old_round_is_ignored():
    item, _ = start({"people": True}, round=2)
    sent: Any = (
        (ENGINE.on_item_requested, item_requested(CTX, "toy.thing")),
        (ENGINE.on_item_requested, item_requested(CTX, "toy.thing", round=2)),
        (ENGINE.on_item_ready, item_ready()),
        (ENGINE.on_withdrawal_requested, withdrawal()),
        (ENGINE.on_item_cancelled, cancelled()),
        (ENGINE.on_item_settled, item_settled()),
    )
    for handler, old in sent:
        assert told(handler(item, old, CTX)) == []
    assert item.phase == "open"


def test_a_part_sealed_for_another_item_is_refused_and_a_strange_matter_too():
    with pytest.raises(Poison):
        start(item_id=UUID(int=9))
    with pytest.raises(Poison):
        ENGINE.on_item_requested(None, item_requested(CTX, "toy.other"), CTX)
    with pytest.raises(Poison):
        ENGINE.on_item_ready(None, item_ready(), CTX)


def test_the_assembly_routes_every_message_down():
    parts = handling_parts("toy", {"toy.thing": Toy()}, TABLES)
    assert set(parts.handlers) == set(DOWN)
    assert set(parts.local) == {("item", "answer:*"), ("item", "timer:*")}
