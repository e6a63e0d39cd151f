"""What intake decides: what may be received, what follows from it, how the coordinator and sources are followed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.intake.domain import routing
from services.intake.domain.check import Here, check
from services.intake.domain.facts import answered, decided, question_of
from services.intake.domain.follow import follow
from services.intake.domain.model import Holding
from services.intake.domain.people import index_of, query_code, query_hash
from services.intake.domain.receive import Arrival, receive
from services.intake.domain.render import Viewpoint, application, progress
from services.intake.domain.sealing import unseal
from services.intake.domain.supplement import Supplement, supplement
from services.intake.domain.whose import keys_of
from services.intake.domain.withdraw import Withdrawal, withdraw
from services.intake.tables import HOLDING, TASK, TIMELINE
from shared.catalog.parties import MaterialIn
from shared.catalog.protocol import (
    ApplicationSupplemented,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseView,
    Due,
    FactEstablished,
    Finding,
    ItemConcluded,
    ItemMoved,
    Pause,
    Result,
    WaitingOn,
)
from shared.catalog.registry import load
from shared.changes import Answer
from shared.errors import Conflict, Invalid, Poison
from shared.handling.limits import working_calendar
from shared.handling.sealing import open_part
from shared.handling.tasks import TaskDecision, TaskOutcome, claim
from shared.outcomes import ApplicationStatus, CaseOutcome, FactStatus, ItemStatus, WaitKind
from tests.support.catalogue import SAMPLE
from tests.support.fake_ctx import fake_ctx, keyring

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CASE = UUID(int=7)
NUMBER = "42011220261123010000013"
CATALOG = load()


def unit(code, kind, region, parent=None, services=()):
    return {
        "code": code,
        "kind": kind,
        "name": code,
        "region": region,
        "parent": parent,
        "valid_from": "2020-01-01",
        "valid_to": None,
        "attributes": {"services": list(services)},
    }


UNITS = {
    u["code"]: u
    for u in (
        unit("42", "province", "420000"),
        unit("420112", "county", "420112", "42"),
        unit("420112-CA", "section", "420112", "420112", ("funeral", "marriage", "elderly", "assistance")),
        unit("420112-HALL", "hall", "420112", "420112"),
        unit("420112001000", "town", "420112001000", "420112"),
        unit("FH-420112-01", "partner", "420112", "420112"),
    )
}
HERE = Here(CATALOG, list(UNITS.values()), NOW)


def ctx(now=NOW):
    made = fake_ctx("intake", now, UNITS, catalog=CATALOG, actor="clerk")
    return replace(made, keyring=keyring(*CATALOG.services))


def sample(**changed):
    return {**deepcopy(SAMPLE), **changed}


def wrong(raw, here=HERE):
    checked, errors = check(raw, here)
    assert checked is None
    return {e.pointer: e.code for e in errors}


def received(raw=None):
    checked, errors = check(raw or sample(), HERE)
    assert errors == []
    assert checked is not None
    arrival = Arrival(CASE, NUMBER, "0" * 64, None, "420112-HALL", ("clerk",))
    return receive(checked, arrival, ctx())


def view_of(state, **status):
    """The coordinator's view: items with a status by matter (the rest as they are)."""
    items = []
    for item in state.items:
        change = status.get(item.matter.replace(".", "_"), {})
        items.append(item.model_copy(update=change))
    return CaseView(
        case_id=CASE,
        application_no=NUMBER,
        bundle="bereavement",
        accept_region="420112",
        status=ApplicationStatus.IN_PROGRESS,
        received_at=NOW,
        items=tuple(items),
    )


def item_of(state, matter):
    return next(i for i in state.items if i.matter == matter)


def rows(changes, table):
    return [put.values for put in changes.puts if put.table is table]


# --- what may be received ---------------------------------------------------------------------------------------------


def test_the_sample_is_received_with_five_items_in_order():
    checked, errors = check(sample(), HERE)
    assert errors == []
    assert [m.code for m in checked.matters] == list(CATALOG.bundles["bereavement"].order)
    assert set(checked.units.values()) == {"420112-CA"}


def test_every_wrong_field_is_named_in_one_answer():
    raw = sample(accept_region="990000", received_at="2027-01-01T00:00:00+08:00")
    raw["applicant"]["name"] = "长" * 60
    raw["applicant"]["nickname"] = "x"
    raw["subject"]["id_no"] = "420112194013990010"
    raw["form"]["death"]["date"] = "2026-12-24"
    raw["form"]["funeral_home"] = "FH-420112-77"
    raw["form"]["hukou_region"] = "420112"
    raw["co_applicants"] = [deepcopy(raw["applicant"]) | {"name": "王", "nickname": None}]
    raw["materials"][0]["file_id"] = "f-1"
    found = wrong(raw)
    assert found["/applicant/name"] == "TOO_LONG"
    assert found["/applicant/nickname"] == "UNKNOWN_FIELD"
    assert found["/accept_region"] == "UNKNOWN_REGION"
    assert found["/received_at"] == "IN_FUTURE"
    assert found["/form/death/date"] == "IN_FUTURE"
    assert found["/form/funeral_home"] == "UNKNOWN_FUNERAL_HOME"
    assert found["/form/hukou_region"] == "FIELD_NOT_IN_CASE"
    assert "/subject/id_no" in found
    assert any(pointer.startswith("/co_applicants") for pointer in found)
    assert found["/materials/0/file_id"] == "FILE_UNKNOWN"


def test_a_right_check_digit_does_not_excuse_a_date_that_does_not_exist():
    from stdnum.iso7064 import mod_11_2

    body = "42011219401332001"
    raw = sample()
    raw["subject"]["id_no"] = body + mod_11_2.calc_check_digit(body)
    assert wrong(raw) == {"/subject/id_no": "ID_BIRTH_DATE"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"bundle": "wedding"}, "/bundle", "UNKNOWN_BUNDLE"),
        ({"accept_region": "420111"}, "/accept_region", "UNKNOWN_REGION"),
        ({"received_at": "2026-11-20T09:00:00+08:00"}, "/received_reason", "REQUIRED"),
        ({"received_at": "2016-11-20T09:00:00+08:00", "received_reason": "补录"}, "/received_at", "TOO_OLD"),
        ({"subject": SAMPLE["applicant"]}, "/subject/id_no", "SAME_PERSON"),
    ],
)
def test_a_single_wrong_thing_is_named(change, pointer, code):
    assert wrong(sample(**change))[pointer] == code


def test_a_death_before_the_birth_in_the_number_is_refused():
    raw = sample()
    raw["form"]["death"]["date"] = "1930-01-01"
    assert wrong(raw) == {"/form/death/date": "BEFORE_BIRTH"}


def test_an_earlier_day_is_received_with_its_reason():
    raw = sample(received_at="2026-11-20T09:00:00+08:00", received_reason="系统停机补录")
    checked, errors = check(raw, HERE)
    assert errors == []
    assert checked.received_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_a_missing_hard_prerequisite_is_named_unless_it_was_granted_before():
    raw = sample(bundle=None, matters=["funeral.fee_waiver"])
    for name in ("disposition", "ashes", "payee"):
        raw["form"].pop(name)
    assert wrong(raw)["/matters/0"] == "PREREQUISITE_MISSING"
    checked, errors = check(raw, replace(HERE, granted=frozenset({"funeral.cremation"})))
    assert errors == []
    assert [m.code for m in checked.matters] == ["funeral.fee_waiver"]


# --- where it goes ----------------------------------------------------------------------------------------------------


def test_a_matter_goes_to_the_unit_of_its_level_that_carries_the_service():
    matter = CATALOG.matters["funeral.fee_waiver"]
    assert routing.unit_of(matter, "420112001000", UNITS.values()) == "420112-CA"


def test_a_service_no_unit_carries_goes_to_the_authority_of_the_place():
    matter = replace(CATALOG.matters["funeral.fee_waiver"], code="synthetic.matter", decided_at="town")
    assert routing.unit_of(matter, "420112001000", UNITS.values()) == "420112001000"


def test_a_unit_that_has_ended_is_not_in_force():
    ended = {**UNITS["420112-CA"], "valid_to": "2026-01-01"}
    assert routing.in_force([ended], date(2026, 1, 1)) == [ended]
    assert routing.in_force([ended], date(2026, 1, 2)) == []


# --- what follows from receiving --------------------------------------------------------------------------------------


def test_each_service_can_open_its_own_part_and_finds_only_what_its_matter_declares():
    changes, _ = received()
    submitted = next(e.message for e in changes.emits if e.topic == "onewindow.coordinator.requests")
    sealer = ctx().keyring.sealer()
    for item in submitted.items:
        own = ctx().keyring.limited_to(item.service).sealer()
        part = open_part(own, item.service, CASE, item.item_id, 1, item.sealed)
        matter = CATALOG.matters[item.matter]
        assert set(part.form) <= {*matter.required_fields, *matter.optional_fields}
        assert part.parties["subject"]["id_no"] == SAMPLE["subject"]["id_no"]
    waiver = next(i for i in submitted.items if i.matter == "funeral.fee_waiver")
    with pytest.raises(Poison):
        open_part(sealer, "elderly", CASE, waiver.item_id, 1, waiver.sealed)


def test_nothing_personal_stands_in_the_state_the_events_or_the_rows():
    changes, code = received()
    told = [changes.state.model_dump_json(), *(e.message.model_dump_json() for e in changes.emits)]
    told += [str(put.values) for put in changes.puts]
    for secret in ("李明", "李国强", SAMPLE["subject"]["id_no"], SAMPLE["applicant"]["id_no"], "13800000001", code):
        assert not any(secret in text for text in told)


def test_receiving_asks_for_the_death_once_and_holds_every_matter():
    changes, _ = received()
    (ask,) = changes.asks
    assert (ask.name, ask.source, ask.question["died_on"]) == ("death_confirmed", "death", "2026-11-10")
    assert ask.question["person"]["id_no"] == SAMPLE["subject"]["id_no"]
    held = rows(changes, HOLDING)
    assert len(held) == 5
    assert len({row["whose"] for row in held}) == 1
    assert all(row["blocks"] for row in held)
    assert [row["seq"] for row in rows(changes, TIMELINE)] == [1]


def test_the_query_code_is_told_and_only_its_hash_is_kept():
    changes, code = received()
    index = index_of(ctx().keyring)
    assert code == query_code(index, CASE)
    assert len(code) == 10
    assert changes.state.query_code == query_hash(index, code)


def test_the_answer_has_the_contracts_shape():
    changes, _ = received()
    shown = application(changes.state, Viewpoint(NOW, CATALOG, working_calendar()), version=1)
    assert set(shown) >= {
        *("application_no", "case_id", "version", "status", "outcome", "bundle", "accept_region", "channel"),
        *("received_at", "accepted_at", "clock", "items", "materials", "papers"),
    }
    whole = {"promised": "2026-12-21", "legal": None, "provisional": True}
    assert shown["clock"] == {"examination": {"due": "2026-11-30", "lamp": "green"}, "handling": None, "whole": whole}
    by_matter = {i["matter"]: i for i in shown["items"]}
    assert by_matter["funeral.cremation"]["status"] == "requested"
    assert by_matter["funeral.fee_waiver"]["status"] == "waiting"
    assert by_matter["elderly.benefit_stop"]["status"] == "waiting"
    assert set(by_matter["funeral.cremation"]) >= {
        *("id", "matter", "service", "nature", "status", "stage", "stage_name", "round", "due", "lamp"),
        *("waiting_on", "external_no", "result"),
    }


def test_whose_a_matter_is_decides_what_is_a_duplicate():
    refs = {"applicant": ["a"], "subject": [], "co_applicant": ["b"], "household": ["c", "a"]}
    matter = CATALOG.matters["funeral.cremation"]
    assert keys_of(matter, refs | {"subject": ["s"]}) == ["s"]
    pair, swapped = replace(matter, whose="pair"), refs | {"applicant": ["b"], "co_applicant": ["a"]}
    assert keys_of(pair, refs) == keys_of(pair, swapped)
    assert keys_of(replace(matter, whose="household"), refs) == ["a", "c"]


@pytest.mark.parametrize(
    ("once", "state", "blocks"),
    [
        ("live", "live", True),
        ("live", "granted", False),
        ("granted", "granted", True),
        ("granted", "ended", False),
        ("ever", "ended", True),
    ],
)
def test_a_holding_blocks_as_long_as_its_matter_says(once, state, blocks):
    assert Holding(matter="a.b", whose="w", item_id=CASE, once=once, state=state).blocks is blocks


# --- the coordinator is followed --------------------------------------------------------------------------------------


def test_what_the_coordinator_says_replaces_what_intake_held():
    state = received()[0].state
    view = view_of(state, funeral_cremation={"status": ItemStatus.ACCEPTED, "accepted_at": NOW})
    item = item_of(state, "funeral.cremation")
    changes = follow(state, ItemMoved(case=view, at=NOW, item_id=item.item_id), ctx())
    assert changes.state.items == list(view.items)
    assert changes.state.status is ApplicationStatus.IN_PROGRESS
    (line,) = rows(changes, TIMELINE)
    assert line["text_zh"] == "火化与火化证明:已受理。"


def test_an_acceptance_is_told_though_the_review_began_in_the_same_moment():
    """elderly_onewindow 8-2: 收件、受理两个时刻,申请人都看得到."""
    state = received()[0].state
    view = view_of(state, funeral_fee_waiver={"status": ItemStatus.REVIEWING, "accepted_at": NOW})
    moved = ItemMoved(case=view, at=NOW, item_id=item_of(state, "funeral.fee_waiver").item_id)
    (line,) = rows(follow(state, moved, ctx()), TIMELINE)
    assert line["text_zh"] == "基本殡葬减免:已受理,正在审核。"


def test_a_pause_says_why_and_until_about_when():
    """elderly_onewindow 3.5: 暂停要有文书与预计恢复日."""
    state = received()[0].state
    pause = Pause(ground="HEARING", since=NOW, until=date(2026, 12, 4))
    view = view_of(state, funeral_fee_waiver={"status": ItemStatus.PAUSED, "accepted_at": NOW, "pause": pause})
    moved = ItemMoved(case=view, at=NOW, item_id=item_of(state, "funeral.fee_waiver").item_id)
    (line,) = rows(follow(state, moved, ctx()), TIMELINE)
    assert line["text_zh"] == "基本殡葬减免:办理时限暂停(HEARING),预计 2026-12-04 恢复。"


def test_a_move_nobody_would_read_adds_no_line():
    state = received()[0].state
    view = view_of(state, funeral_cremation={"stage": "STORED"})
    moved = ItemMoved(case=view, at=NOW, item_id=item_of(state, "funeral.cremation").item_id)
    assert rows(follow(state, moved, ctx()), TIMELINE) == []


def test_findings_are_told_in_the_timeline_and_the_lamp_is_grey():
    state = received()[0].state
    finding = Finding(code="MISSING", message_zh="缺少骨灰去向", message_en="ashes are missing")
    view = view_of(state, funeral_fee_waiver={"findings": (finding,)})
    moved = ItemMoved(case=view, at=NOW, item_id=item_of(state, "funeral.fee_waiver").item_id)
    changes = follow(state, moved, ctx())
    (line,) = rows(changes, TIMELINE)
    assert "缺少骨灰去向" in line["text_zh"]
    shown = application(changes.state, Viewpoint(NOW, CATALOG, working_calendar()))
    assert next(i["lamp"] for i in shown["items"] if i["matter"] == "funeral.fee_waiver") == "grey"


def conclude(state, matter, outcome, *, late=False, **public):
    result = Result(outcome=outcome, reason_code="R", law="《法》", public=public)
    view = view_of(state, **{matter.replace(".", "_"): {"status": outcome, "result": result}})
    item = item_of(state, matter)
    message = ItemConcluded(case=view, at=NOW, item_id=item.item_id, round=1, outcome=outcome, result=result, late=late)
    return follow(state, message, ctx())


def test_a_conclusion_is_told_with_amount_and_month_and_settles_the_holding():
    state = received()[0].state
    changes = conclude(state, "elderly.benefit_stop", ItemStatus.APPROVED, amount="200.00", **{"from": "2026-12"})
    (line,) = rows(changes, TIMELINE)
    assert line["text_zh"] == "逝者养老待遇停发:已办结,金额 200.00 元,自 2026-12 起停发。"
    (held,) = rows(changes, HOLDING)
    assert (held["state"], held["blocks"]) == ("granted", True)


def test_a_refusal_sets_the_matter_free_and_a_late_result_changes_nothing():
    state = received()[0].state
    (held,) = rows(conclude(state, "funeral.fee_waiver", ItemStatus.DENIED), HOLDING)
    assert (held["state"], held["blocks"]) == ("ended", False)
    late = conclude(state, "funeral.fee_waiver", ItemStatus.APPROVED, late=True)
    assert rows(late, HOLDING) == []
    assert "迟到" in rows(late, TIMELINE)[0]["text_zh"]


def test_closing_tells_the_one_outcome_and_reopening_says_so():
    state = received()[0].state
    view = view_of(state).model_copy(update={"status": ApplicationStatus.CLOSED, "outcome": CaseOutcome.APPROVED})
    closed = follow(state, CaseClosed(case=view, at=NOW), ctx())
    assert closed.state.outcome is CaseOutcome.APPROVED
    assert rows(closed, TIMELINE)[0]["text_zh"] == "本次申请已全部办结:全部办成。"
    item = item_of(state, "elderly.benefit_stop")
    again = CaseReopened(case=view_of(state), at=NOW, item_id=item.item_id, round=2, cause="CORRECTED")
    assert "重新办理" in rows(follow(state, again, ctx()), TIMELINE)[0]["text_zh"]


def test_a_case_that_was_never_received_is_poison():
    state = received()[0].state
    with pytest.raises(Poison):
        follow(None, CaseOpened(case=view_of(state), at=NOW), ctx())


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "lamp"),
    [("2026-11-23", "green"), ("2026-11-27", "yellow"), ("2026-12-01", "red"), ("2026-12-22", "legal_red")],
)
def test_the_lamp_is_computed_when_read(day, lamp):
    state = received()[0].state
    due = Due(promised=date(2026, 11, 30), legal=date(2026, 12, 21))
    view = view_of(state, funeral_cremation={"status": ItemStatus.ACCEPTED, "accepted_at": NOW, "due": due})
    state.items = list(view.items)
    at = Viewpoint(datetime.fromisoformat(f"{day}T10:00:00+08:00"), CATALOG, working_calendar())
    shown = application(state, at)
    assert shown["items"][0]["lamp"] == lamp
    assert shown["clock"]["handling"]["lamp"] == lamp


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        (None, "等待办理条件"),
        (WaitingOn(kind=WaitKind.SOURCE, name="death", since=NOW), "等待事实核实"),
        (WaitingOn(kind=WaitKind.PREREQUISITE, name="funeral.cremation", since=NOW), "等待前一事项"),
    ],
)
def test_who_waits_is_told_for_what(waits, said):
    state = received()[0].state
    view = view_of(state, elderly_benefit_stop={"status": ItemStatus.WAITING, "waiting_on": waits})
    moved = ItemMoved(case=view, at=NOW, item_id=item_of(state, "elderly.benefit_stop").item_id)
    at = Viewpoint(NOW, CATALOG, working_calendar())
    followed = follow(state, moved, ctx()).state
    for shown in (application(followed, at), progress(followed, at, [])):
        assert [i["stage_name"] for i in shown["items"] if i["matter"] == "elderly.benefit_stop"] == [said]


def test_progress_shows_no_person_and_no_result():
    state = received()[0].state
    concluded = conclude(state, "elderly.benefit_stop", ItemStatus.APPROVED, amount="200.00").state
    shown = str(progress(concluded, Viewpoint(NOW, CATALOG, working_calendar()), []))
    assert "200.00" not in shown
    assert "李" not in shown


# --- facts ------------------------------------------------------------------------------------------------------------

QUESTION = question_of({"subject": SAMPLE["subject"]}, date(2026, 11, 10))


def answer(status, **data):
    return Answer("death_confirmed", status, data, "death", "D-1")


def established(changes):
    (found,) = [e.message for e in changes.emits if isinstance(e.message, FactEstablished)]
    return found


def test_a_fact_is_confirmed_when_name_number_and_date_agree_together():
    state = received()[0].state
    data = {"name": "李国强", "id_no": SAMPLE["subject"]["id_no"], "died_on": "2026-11-10"}
    found = established(answered(state, answer("confirmed", **data), QUESTION, ctx()))
    assert (found.status, found.occurred_on, found.evidence) == (FactStatus.CONFIRMED, date(2026, 11, 10), "D-1")


@pytest.mark.parametrize("data", [{"died_on": "2026-11-09"}, {"name": "李国庆"}])
def test_one_difference_contradicts_and_opens_a_task_with_a_date(data):
    state = received()[0].state
    changes = answered(state, answer("confirmed", **data), QUESTION, ctx())
    assert established(changes).status is FactStatus.CONTRADICTED
    (task,) = changes.state.tasks
    assert (task.kind, task.unit, task.due) == ("fact_check", "420112-HALL", date(2026, 11, 24))
    assert rows(changes, TASK)[0]["id"] == task.id


def test_silence_is_told_once_and_a_later_answer_counts():
    state = received()[0].state
    first = answered(state, answer("silent"), QUESTION, ctx())
    assert established(first).status is FactStatus.SILENT
    assert answered(state, answer("silent"), QUESTION, ctx()).emits == []
    assert established(answered(state, answer("confirmed"), QUESTION, ctx())).status is FactStatus.CONFIRMED


def decision(state, outcome, **more):
    task = claim(state, state.tasks[0].id, "clerk", NOW)
    return TaskDecision(task.id, task.lease, outcome, "clerk", **more)


def test_a_person_confirms_with_evidence_or_refutes():
    state = received()[0].state
    answered(state, answer("contradicted"), QUESTION, ctx())
    with pytest.raises(Invalid):
        decided(state, decision(state, TaskOutcome.APPROVE), ctx())
    confirmed = decided(state, decision(state, TaskOutcome.APPROVE, result={"evidence": "死亡证明原件"}), ctx())
    assert established(confirmed).status is FactStatus.CONFIRMED
    assert "死亡证明原件" not in confirmed.state.model_dump_json()

    other = received()[0].state
    answered(other, answer("contradicted"), QUESTION, ctx())
    found = established(decided(other, decision(other, TaskOutcome.DENY), ctx()))
    assert (found.status, found.refuted) == (FactStatus.CONTRADICTED, True)


# --- supplement and withdrawal ----------------------------------------------------------------------------------------


def correcting():
    state = received()[0].state
    finding = Finding(code="MISSING", message_zh="缺", message_en="missing")
    view = view_of(state, funeral_fee_waiver={"status": ItemStatus.CORRECTING, "findings": (finding,)})
    state.items = list(view.items)
    return state


def test_a_supplement_reseals_only_the_items_that_wait_for_it():
    state = correcting()
    changes = supplement(state, Supplement(round=1, form={"ashes": "eco"}), HERE, ctx())
    (message,) = [e.message for e in changes.emits if isinstance(e.message, ApplicationSupplemented)]
    (part,) = message.items
    assert part.item_id == item_of(state, "funeral.fee_waiver").item_id
    opened = open_part(ctx().keyring.sealer(), "funeral", CASE, part.item_id, message.round, part.sealed)
    assert opened.form["ashes"] == "eco"
    assert opened.form["fee_items"]
    kept = unseal(ctx().keyring, CASE, None, changes.state.sealed_round, changes.state.submission)
    assert kept["form"]["ashes"] == "eco"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Supplement(round=2, form={"ashes": "eco"}), Conflict),
        (Supplement(round=1), Invalid),
        (Supplement(round=1, form={"hukou_region": "420112"}), Invalid),
        (Supplement(round=1, form={"ashes": "moon"}), Invalid),
        (Supplement(round=1, materials=[MaterialIn(type="invoice", source="upload", file_id="f")]), Invalid),
    ],
)
def test_a_supplement_of_another_round_or_with_wrong_fields_is_refused(given, error):
    with pytest.raises(error):
        supplement(correcting(), given, HERE, ctx())


def test_nothing_to_correct_is_a_conflict():
    with pytest.raises(Conflict):
        supplement(received()[0].state, Supplement(round=1, form={"ashes": "eco"}), HERE, ctx())


def test_only_what_was_applied_for_is_withdrawn():
    state = received()[0].state
    changes = withdraw(state, Withdrawal(reason="另行办理"), ctx())
    (message,) = [e.message for e in changes.emits]
    assert message.items == (item_of(state, "funeral.fee_waiver").item_id,)
    assert "另行办理" not in changes.state.model_dump_json()
    with pytest.raises(Invalid) as refused:
        withdraw(received()[0].state, Withdrawal(matters=["funeral.cremation", "a.b"], reason="x"), ctx())
    assert [e.code for e in refused.value.errors] == ["NOT_ON_APPLICATION", "MATTER_NOT_IN_CASE"]


def test_a_final_item_cannot_be_withdrawn():
    state = received()[0].state
    conclude(state, "funeral.fee_waiver", ItemStatus.APPROVED)
    with pytest.raises(Conflict):
        withdraw(state, Withdrawal(reason="x"), ctx(NOW + timedelta(days=1)))
