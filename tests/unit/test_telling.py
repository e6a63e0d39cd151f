"""What applicants are told, in which words, how they are reached, and who calls when they do not answer."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from services.intake.api.tasks import decided
from services.intake.domain.check import Here
from services.intake.domain.follow import follow
from services.intake.domain.messages.telling import text_of, way_to, words
from services.intake.domain.supplement import Supplement, supplement
from services.intake.domain.visits import CALL, CALL_TIMER, VISIT, on_call, open_visit
from services.intake.domain.withdraw import Withdrawal, withdraw
from services.intake.store import merged
from services.intake.tables import MESSAGE, TASK
from shared.catalog.protocol import CaseClosed, CorrectionIssued, Finding
from shared.changes import CancelTimer, SetTimer, Timer
from shared.clock import new_id
from shared.errors import Invalid
from shared.handling.tasks import TaskDecision, TaskOutcome, claim
from shared.messaging.port import Fate, Outgoing, Way
from shared.messaging.unconnected import Unconnected
from shared.outcomes import ItemStatus
from tests.support.received import CATALOG, NOW, NUMBER, UNITS, concluded, ctx, item_of, received, view_of

WAIVER = "funeral.fee_waiver"


def told(changes):
    return [(put.values["topic"], put.values["due_at"]) for put in changes.puts if put.table is MESSAGE]


def corrected(state, at=NOW, **changed):
    finding = Finding(code="A", material="kinship_proof", message_zh="缺少", message_en="missing")
    item = item_of(state, WAIVER).model_copy(
        update={"status": ItemStatus.CORRECTING, "findings": (finding,), **changed}
    )
    message = CorrectionIssued(case=view_of(state, item), at=at, number=1, items=(item.item_id,))
    return follow(state, message, ctx(at))


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_timeline_keeps_its_own_order_where_clocks_differ_and_takes_what_was_told_by_time():
    own = [{"kind": kind, "at": NOW + timedelta(milliseconds=ms)} for kind, ms in (("a", 0), ("b", 9), ("closed", 5))]
    told = [{"kind": "told", "at": NOW + timedelta(milliseconds=9)}, {"kind": "early", "at": NOW}]
    assert [line["kind"] for line in merged(own, told)] == ["a", "early", "b", "closed", "told"]


def test_a_message_says_what_no_one_else_may_learn_from_a_screen():
    """It names no benefit, no matter, no bundle, no service, no field, no material, and nothing of death or marriage."""
    names = [m.name for m in CATALOG.matters.values()] + [m.official_name for m in CATALOG.matters.values()]
    names += [alias for m in CATALOG.matters.values() for alias in m.aliases]
    names += [b.name for b in CATALOG.bundles.values()] + [b.local_name for b in CATALOG.bundles.values()]
    names += [s.title for s in CATALOG.services.values() if s.handles]
    names += [f.title for f in CATALOG.fields.values()]
    names += [need.name for m in CATALOG.matters.values() for need in m.materials]
    pieces = [
        "津贴",
        "补贴",
        "救助",
        "低保",
        "殡葬",
        "火化",
        "死亡",
        "逝",
        "身后",
        "停发",
        "婚",
        "丧偶",
        "离",
        "残",
        "病",
        "特困",
    ]
    for topic in words():
        text = text_of(topic, NUMBER)
        assert not [word for word in (*names, *pieces) if word in text], topic
        assert NUMBER not in text
        assert NUMBER[-4:] in text
        assert re.search(r"登录|窗口", text), "it says where to look"


def test_a_planted_name_in_a_message_would_be_found(monkeypatch):
    monkeypatch.setattr(
        "services.intake.domain.messages.telling.words", lambda: {"closed": "您的高龄津贴(尾号{tail})已停发,请到窗口"}
    )
    monkeypatch.setitem(globals(), "words", lambda: {"closed": ""})
    with pytest.raises(AssertionError):
        test_a_message_says_what_no_one_else_may_learn_from_a_screen()


# --- who is told, when, how -------------------------------------------------------------------------------------------


def test_a_case_that_ends_within_minutes_says_one_thing_beside_its_end():
    state = received().state
    first = concluded(state, "funeral.cremation", ItemStatus.APPROVED)
    assert told(first) == [("progress", NOW + timedelta(minutes=30))]
    assert told(concluded(state, WAIVER, ItemStatus.APPROVED, at=NOW + timedelta(minutes=1))) == []
    later = NOW + timedelta(minutes=31)
    assert [topic for topic, _ in told(concluded(state, "elderly.benefit_stop", ItemStatus.APPROVED, at=later))] == [
        "progress"
    ]
    closed = CaseClosed(case=view_of(state, closed_at=later), at=later)
    assert told(follow(state, closed, ctx(later))) == [("closed", later)]


def test_a_clock_that_was_ahead_and_is_put_back_keeps_no_news_back():
    state = received().state
    ahead = NOW + timedelta(days=1)
    assert told(concluded(state, "funeral.cremation", ItemStatus.APPROVED, at=ahead)) == [
        ("progress", ahead + timedelta(minutes=30))
    ]
    assert told(concluded(state, WAIVER, ItemStatus.APPROVED)) == [("progress", NOW + timedelta(minutes=30))]


def test_a_correction_is_told_at_once():
    assert told(corrected(received().state)) == [("correction", NOW)]


@pytest.mark.parametrize(
    ("phone", "region", "way"),
    [
        ("13800000001", "420112", (Way.TEXT, "13800000001")),
        ("+86 138-0000-0001", "420112", (Way.TEXT, "+8613800000001")),
        ("027-83210000", "420112", (Way.VOICE, "02783210000")),
        (None, "420112", (Way.LETTER, None)),
        (None, "420112001201", (Way.VILLAGE_TASK, None)),
    ],
)
def test_how_a_person_is_reached(phone, region, way):
    assert way_to({"name": "李明", "phone": phone}, region) == way


async def test_where_nobody_is_connected_messages_wait():
    (sent,) = await Unconnected().send([Outgoing(new_id(), Way.TEXT, "13800000001", "x")])
    assert sent.fate is Fate.WAITING


# --- the call ---------------------------------------------------------------------------------------------------------


def call_timer(changes):
    return [t for t in changes.timers if t.name == CALL_TIMER]


def live(state, kind=CALL):
    return [t for t in state.tasks if t.kind == kind and t.state == "open"]


def called(at=NOW):
    state = received().state
    corrected(state, at)
    on_call(state, Timer(CALL_TIMER, {"number": 1}), ctx(at + timedelta(days=3)))
    return state


def test_a_correction_without_an_answer_in_two_working_days_opens_a_call_of_the_receiving_unit():
    state = received().state
    (timer,) = call_timer(corrected(state))
    # Monday's two working days are over at the end of Wednesday in Beijing.
    assert timer == SetTimer(CALL_TIMER, datetime(2026, 11, 25, 16, 0, tzinfo=UTC), {"number": 1})
    changes = on_call(state, Timer(CALL_TIMER, {"number": 1}), ctx(timer.due_at))
    (task,) = live(state)
    assert (task.unit, task.role, task.due) == ("420112-HALL", "clerk", date(2026, 11, 27))
    assert "village_worker" in task.also_roles
    assert any(put.table is TASK for put in changes.puts)


def test_two_working_days_pass_over_a_weekend():
    """A correction of Friday is called about on Wednesday (工作日)."""
    friday = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    (timer,) = call_timer(corrected(received().state, friday))
    assert timer.due_at == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


def test_nobody_calls_one_who_has_answered():
    state = received().state
    corrected(state)
    concluded(state, WAIVER, ItemStatus.APPROVED)
    on_call(state, Timer(CALL_TIMER, {"number": 1}), ctx())
    assert live(state) == []


def test_a_supplement_a_withdrawal_and_a_decision_each_end_the_call():
    here = Here(CATALOG, list(UNITS.values()), NOW)
    state = called()
    assert live(state)
    given = Supplement.model_validate({"round": 1, "materials": [{"type": "kinship_proof", "source": "paper"}]})
    changes = supplement(state, given, here, ctx())
    assert live(state) == []
    assert CancelTimer(CALL_TIMER) in changes.timers
    state = called()
    changes = withdraw(state, Withdrawal(matters=[WAIVER], reason="不办了"), ctx())
    assert live(state) == []
    assert CancelTimer(CALL_TIMER) in changes.timers
    state = called()
    changes = concluded(state, WAIVER, ItemStatus.DENIED)
    assert live(state) == []
    assert CancelTimer(CALL_TIMER) in changes.timers


def test_who_has_called_says_so_and_nothing_they_heard_stands_in_clear():
    state = called()
    (task,) = live(state)
    claimed = claim(state, task.id, "clerk", NOW)
    said = TaskDecision(task.id, claimed.lease, TaskOutcome.APPROVE, "clerk", comment="家属说明天来")
    changes = decided(state, said, ctx())
    assert task.state == "done"
    assert "已与申请人联系" in str([put.values for put in changes.puts])
    assert "明天来" not in state.model_dump_json()
    state = called()
    (task,) = live(state)
    claimed = claim(state, task.id, "clerk", NOW)
    with pytest.raises(Invalid):
        decided(state, TaskDecision(task.id, claimed.lease, TaskOutcome.ACCEPT, "clerk"), ctx())


def test_a_visit_is_opened_once():
    state = received().state
    assert open_visit(state, "closed", ctx()) is not None
    assert open_visit(state, "closed", ctx()) is None
    (task,) = live(state, VISIT)
    assert task.role == "village_worker"
