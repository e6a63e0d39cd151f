"""What time does to a case: pauses and extensions, reminders and escalation, lapse, a new calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.coordinator.domain.graph import case_graph
from services.coordinator.domain.recount import needs_recount, recount
from services.coordinator.domain.state import Case
from services.coordinator.domain.turn import Turn
from services.coordinator.handlers import take_step
from shared.calendar import WorkingCalendar
from shared.catalog import protocol as p
from shared.changes import CancelTimer, SetTimer
from shared.clock import BEIJING
from shared.outcomes import Nature, WaitKind
from tests.support import coordination
from tests.support.coordination import NOW, Desk, context, item_id, names, planned

TEN = p.Limit(n=10, unit="working")
TWENTY = p.Limit(n=20, unit="working")
GROUND = "expert_review"


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=BEIJING).astimezone(UTC)


def running(day: date, monkeypatch: pytest.MonkeyPatch, **fields) -> Desk:
    """One item, received, checked and accepted on that day."""
    monkeypatch.setattr(coordination, "NOW", at(day))
    desk = Desk(planned(1, **{"promised": TEN, "legal": TWENTY, **fields}))
    desk.up(p.ItemAccepted, 1, accepted_at=at(day))
    return desk


def on(desk: Desk, day: date) -> Desk:
    desk.now = at(day)
    return desk


def due(desk: Desk) -> p.Due:
    return desk.view.items[0].due


def clocks(desk: Desk) -> datetime | None:
    timer = desk.timers.get("clocks")
    return timer and timer.due_at


# --- pauses -----------------------------------------------------------------------------------------------------------


def test_elderly_onewindow_vector_18_pauses_move_both_dates_at_resume(monkeypatch):
    desk = running(date(2026, 4, 28), monkeypatch)
    legal = due(desk).legal
    assert due(desk).promised == date(2026, 5, 14)
    on(desk, date(2026, 5, 7)).up(p.ItemPaused, 1, until=date(2026, 5, 12))
    view = desk.view.items[0]
    assert (view.status, view.pause.ground, view.pause.until) == ("paused", GROUND, date(2026, 5, 12))
    assert due(desk).promised == date(2026, 5, 14), "dates move at resume"
    on(desk, date(2026, 5, 13)).up(p.ItemResumed, 1)
    assert (due(desk).promised, desk.view.items[0].pause) == (date(2026, 5, 21), None)
    assert due(desk).legal > legal
    on(desk, date(2026, 5, 15)).up(p.ItemPaused, 1)
    on(desk, date(2026, 5, 18)).up(p.ItemResumed, 1)
    assert due(desk).promised == date(2026, 5, 22)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"ground": "OTHER"}, "PAUSE_GROUND_NOT_LISTED"),
        ({"until": None}, "PAUSE_WITHOUT_END"),
        ({"until": NOW.date()}, "PAUSE_WITHOUT_END"),
    ],
)
def test_a_pause_that_may_not_be_is_recorded_and_changes_nothing(message, code):
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1)
    before = desk.view
    assert desk.up(p.ItemPaused, 1, **message) == []
    assert (desk.view, desk.case.late[-1].reason_code, desk.case.late[-1].name) == (before, code, "ItemPaused")


def test_one_pause_runs_at_a_time_after_acceptance_and_only_what_runs_is_resumed():
    desk = Desk(planned(1))
    desk.up(p.ItemPaused, 1)
    desk.up(p.ItemAccepted, 1)
    desk.up(p.ItemResumed, 1)
    desk.up(p.ItemPaused, 1)
    desk.up(p.ItemPaused, 1)
    desk.up(p.ItemResumed, 1, ground="other")
    codes = [late.reason_code for late in desk.case.late]
    assert codes == ["NO_CLOCK_RUNS", "NOT_PAUSED", "ALREADY_PAUSED", "NOT_PAUSED"]
    assert desk.item(1).status == "paused"


def test_a_pause_past_its_expected_end_reminds_and_no_lamp_turns_meanwhile(monkeypatch):
    desk = running(date(2026, 4, 28), monkeypatch)
    on(desk, date(2026, 5, 7)).up(p.ItemPaused, 1, until=date(2026, 5, 12))
    desk.wait_until(date(2026, 5, 12))
    assert desk.kinds() == []
    desk.wait_until(date(2026, 6, 30))
    (task,) = desk.case.tasks
    assert (task.kind, task.role, task.data["ground"]) == ("pause_over", "supervisor", GROUND)
    assert case_graph(desk.case, context(desk.now))["items"][0]["lamp"] == "grey"
    on(desk, date(2026, 7, 1)).up(p.ItemResumed, 1)
    assert (task.state, due(desk).promised) == ("cancelled", date(2026, 7, 9))


# --- extension --------------------------------------------------------------------------------------------------------


def test_an_extension_is_shown_with_the_leader_and_moves_the_dates(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    to = date(2026, 11, 16)
    desk.up(p.ItemExtended, 1, to=to, approved_by="leader", reason_code="COMPLEX")
    view = desk.view.items[0]
    assert view.extension == p.Extension(to=to, approved_by="leader", reason_code="COMPLEX")
    assert view.due == p.Due(promised=to, legal=to)
    on(desk, date(2026, 10, 19)).up(p.ItemPaused, 1)
    on(desk, date(2026, 10, 21)).up(p.ItemResumed, 1)
    assert due(desk).promised == date(2026, 11, 18), "a pause after an extension moves the extended day"


@pytest.mark.parametrize(
    ("fields", "day", "code"),
    [
        ({"to": date(2026, 12, 1)}, date(2026, 10, 13), "EXTENSION_TOO_LONG"),
        ({"to": date(2026, 10, 26)}, date(2026, 10, 13), "EXTENSION_NOT_LATER"),
        ({"to": date(2026, 11, 2)}, date(2026, 10, 27), "EXTENSION_LATE"),
        ({"to": date(2026, 11, 2), "approved_by": ""}, date(2026, 10, 13), "NOBODY_APPROVED"),
    ],
)
def test_an_extension_that_may_not_be_is_recorded(monkeypatch, fields, day, code):
    desk = running(date(2026, 10, 12), monkeypatch)
    before = due(desk)
    on(desk, day).up(p.ItemExtended, 1, **{"approved_by": "leader", "reason_code": "COMPLEX", **fields})
    assert (due(desk), desk.case.late[-1].reason_code) == (before, code)


def test_an_item_is_extended_once(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    for to in (date(2026, 10, 30), date(2026, 11, 3)):
        desk.up(p.ItemExtended, 1, to=to, approved_by="leader", reason_code="COMPLEX")
    assert (due(desk).promised, desk.case.late[-1].reason_code) == (date(2026, 10, 30), "ALREADY_EXTENDED")


# --- escalation -------------------------------------------------------------------------------------------------------


def test_yellow_reminds_red_tells_the_supervisor_and_past_the_law_the_one_above(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    desk.wait_until(date(2026, 10, 22))
    shown = case_graph(desk.case, context(desk.now))["items"][0]
    assert (shown["lamp"], shown["signs"], desk.kinds()) == ("yellow", {"yellow": "2026-10-22"}, [])
    desk.wait_until(date(2026, 10, 26))
    assert desk.kinds() == []
    desk.wait_until(date(2026, 10, 27))
    (told,) = desk.case.tasks
    assert (told.kind, told.role, told.unit, told.data["since"]) == ("overdue", "supervisor", "desk", "2026-10-27")
    desk.wait_until(date(2026, 11, 10))
    above = desk.case.tasks[-1]
    assert (above.kind, above.unit, above.data["told"]) == (
        "overdue_by_law",
        "hall",
        {"unit": "desk", "since": "2026-10-27"},
    )
    desk.wait_until(date(2027, 1, 5))
    assert len(desk.case.tasks) == 2
    assert desk.item(1).outcome is None, "nothing is approved because time ran out"
    desk.decide(1, decided_at=desk.now)
    assert desk.kinds() == []
    assert case_graph(desk.case, context(desk.now))["items"][0]["lamp"] == "legal_red"


def test_a_date_that_moves_takes_its_reminder_along(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    desk.wait_until(date(2026, 10, 23))
    desk.up(p.ItemExtended, 1, to=date(2026, 11, 10), approved_by="leader", reason_code="COMPLEX")
    desk.wait_until(date(2026, 11, 4))
    assert desk.item(1).signs == {}
    desk.wait_until(date(2026, 11, 6))
    assert set(desk.item(1).signs) == {"yellow"}
    desk.wait_until(date(2026, 11, 11))
    assert desk.kinds() == ["overdue", "overdue_by_law"]


def test_nothing_turns_red_while_the_applicant_must_act():
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1)
    desk.up(p.CorrectionRequested, 1)
    desk.wait_until(date(2026, 12, 7))
    assert (desk.kinds(), desk.item(1).signs) == ([], {})


def test_a_lamp_turns_again_once_the_applicant_has_acted(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    waits = p.WaitingOn(kind=WaitKind.APPLICANT, name="appointment", since=desk.now)
    desk.up(p.ItemProgressed, 1, waiting_on=waits)
    desk.wait_until(date(2026, 11, 2))
    assert (desk.kinds(), clocks(desk)) == ([], None)
    desk.up(p.ItemProgressed, 1)
    desk.wait_until(date(2026, 11, 3))
    assert desk.kinds() == ["overdue"]


def test_a_withdrawal_that_came_to_nothing_lets_the_clocks_go_on(monkeypatch):
    desk = running(date(2026, 10, 12), monkeypatch)
    desk.withdraw(1)
    desk.wait_until(date(2026, 11, 2))
    assert desk.kinds() == []
    desk.up(p.WithdrawalAnswered, 1, answer="already_decided")
    desk.wait_until(date(2026, 11, 3))
    assert desk.kinds() == ["overdue"]


def test_what_runs_by_law_is_dated_from_its_release_though_nobody_accepts_it():
    desk = Desk(planned(1, nature=Nature.EX_OFFICIO, facts=["death"], check="none"))
    assert due(desk) == p.Due()
    desk.fact("death", "confirmed")
    assert due(desk) == p.Due(promised=date(2026, 11, 27), legal=date(2026, 12, 10))


# --- one timer a case -------------------------------------------------------------------------------------------------


def test_a_case_has_one_timer_of_its_clocks_and_none_once_it_is_closed():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    assert clocks(desk) == at(date(2026, 11, 27), 0)
    desk.up(p.CheckPassed, 1)
    assert desk.last.timers == [], "a later moment is found when the earlier one has come"
    desk.decide(1)
    desk.decide(2)
    assert [type(t) for t in desk.last.timers] == [CancelTimer]
    assert (clocks(desk), desk.case.wake_at) == (None, None)


def test_an_earlier_moment_moves_the_timer():
    desk = Desk(planned(1, promised=p.Limit(n=2, unit="working")))
    desk.up(p.ItemAccepted, 1)
    (moved,) = desk.last.timers
    assert isinstance(moved, SetTimer)
    assert moved.due_at == at(date(2026, 11, 23), 0), "yellow on the first of two days"
    desk.wait_until(date(2026, 11, 24))
    assert clocks(desk) == at(date(2026, 11, 25), 0)


# --- lapse ------------------------------------------------------------------------------------------------------------


def test_elderly_onewindow_vector_20_what_nobody_examined_is_accepted_as_of_receiving(monkeypatch):
    desk = running_unexamined(monkeypatch, lapses=True)
    desk.wait_until(date(2026, 5, 11))
    assert desk.item(1).accepted_at is None
    desk.wait_until(date(2026, 5, 12))
    item = desk.item(1)
    assert (item.accepted_at, item.deemed, item.outcome) == (at(date(2026, 4, 30)), True, None)
    assert desk.view.status == "in_progress"
    assert due(desk).promised == date(2026, 5, 18), "the handling clock runs from the receiving"
    ready = [m for m in desk.sent if isinstance(m, p.ItemReady)]
    assert [m.accepted_at for m in ready] == [at(date(2026, 4, 30))]
    assert "deemed_accepted" in desk.kinds()


def running_unexamined(monkeypatch: pytest.MonkeyPatch, **fields) -> Desk:
    monkeypatch.setattr(coordination, "NOW", at(date(2026, 4, 30)))
    return Desk(planned(1, promised=TEN, legal=TWENTY, **fields))


def test_what_the_law_holds_accepted_stays_so_whatever_its_handler_says_later(monkeypatch):
    desk = running_unexamined(monkeypatch, lapses=True)
    desk.wait_until(date(2026, 5, 12))
    desk.up(p.ItemAccepted, 1, accepted_at=at(date(2026, 5, 12)))
    assert desk.item(1).accepted_at == at(date(2026, 4, 30))
    desk.up(p.CorrectionRequested, 1)
    assert "new_finding" in desk.kinds(), "too late to be told without a supervisor"
    said = desk.up(p.ItemNotAccepted, 1)
    assert (names(said)[:2], said[0].status) == (["ItemSettled", "ItemRequested"], "late")
    assert (desk.item(1).outcome, desk.item(1).round) == (None, 2)
    ready = next(m for m in said if isinstance(m, p.ItemReady))
    assert (ready.to_person, ready.accepted_at) == (True, at(date(2026, 4, 30)))


def test_other_matters_are_not_accepted_by_time_but_a_supervisor_is_told(monkeypatch):
    desk = running_unexamined(monkeypatch)
    desk.wait_until(date(2026, 5, 12))
    assert (desk.item(1).accepted_at, desk.kinds()) == (None, ["check_silent", "examination_over"])


@pytest.mark.parametrize("answer", [p.ItemAccepted, p.CorrectionRequested])
def test_acceptance_or_the_paper_ends_the_examination(monkeypatch, answer):
    desk = running_unexamined(monkeypatch, lapses=True)
    desk.up(answer, 1)
    desk.wait_until(date(2026, 5, 13))
    assert (desk.item(1).deemed, desk.kinds()) == (False, [])


def test_a_shorter_examination_of_a_matter_is_its_own(monkeypatch):
    desk = running_unexamined(monkeypatch, lapses=True, examination=p.Limit(n=2, unit="working"))
    desk.wait_until(date(2026, 5, 8))
    assert desk.item(1).deemed


def test_an_extended_saturday_counts_as_received_on_monday(monkeypatch):
    monkeypatch.setattr(coordination, "NOW", at(date(2026, 11, 21)))
    desk = Desk(planned(1))
    assert desk.case.received_on == date(2026, 11, 23)
    desk.up(p.ItemAccepted, 1, accepted_at=at(date(2026, 11, 21)))
    assert due(desk).promised == date(2026, 11, 30)
    assert case_graph(desk.case, context(desk.now))["clock"]["examination"]["due"] == "2026-11-30"


# --- a new calendar ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "promised"),
    [
        ({date(2027, 1, 4): False}, date(2027, 1, 4)),
        ({date(2027, 1, 2): True}, date(2027, 1, 2)),
    ],
)
def test_provisional_dates_are_recounted_and_the_office_takes_the_earlier(monkeypatch, overrides, promised):
    desk = running(date(2026, 12, 4), monkeypatch, promised=TWENTY, legal=None)
    assert due(desk) == p.Due(promised=date(2027, 1, 4), provisional=True)
    days = {date(2027, 1, n): n > 3 for n in range(1, 7)}
    known = WorkingCalendar.load({**days, **overrides})
    assert needs_recount(desk.case, known.version)
    changes = take_step(desk.case, context(desk.now), recount, known)
    assert [type(e.message).__name__ for e in changes.emits] == ["ItemMoved"]
    assert changes.emits[-1].message.case.items[0].due == p.Due(promised=promised)
    assert not needs_recount(desk.case, known.version)


def test_what_binds_the_citizen_takes_the_later(monkeypatch):
    monkeypatch.setattr(coordination, "NOW", at(date(2026, 12, 17)))
    desk = Desk(planned(1))
    desk.up(p.CorrectionRequested, 1)
    before = desk.item(1).answer_by
    assert before == date(2027, 1, 4), "the fifteenth day is New Year's Day, then a weekend"
    for overrides, day in (({date(2027, 1, 2): True}, before), ({date(2027, 1, 4): False}, date(2027, 1, 5))):
        calendar = WorkingCalendar.load(overrides)
        again = Case.model_validate_json(desk.case.model_dump_json())
        turn = Turn(again, context(desk.now), calendar)
        recount(turn)
        assert again.items[item_id(1)].answer_by == day


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.dates(date(2027, 1, 1), date(2027, 1, 20)), st.booleans(), max_size=20),
    st.integers(1, 20),
    st.dates(date(2026, 12, 10), date(2026, 12, 31)),
)
def test_whatever_the_new_calendar_says_the_office_gains_no_day_and_the_citizen_loses_none(overrides, n, day):
    with pytest.MonkeyPatch.context() as patch:
        desk = running(day, patch, promised=p.Limit(n=n, unit="working"))
        desk.up(p.CorrectionRequested, 1)
    before, answer_by = due(desk), desk.item(1).answer_by
    take_step(desk.case, context(desk.now), recount, WorkingCalendar.load(overrides))
    after = desk.item(1)
    assert (after.due.promised <= before.promised, after.due.legal <= before.legal) == (True, True)
    assert after.answer_by >= answer_by
    assert before.provisional or after.due == before


@pytest.mark.parametrize(
    ("days", "promised"),
    [({date(2026, 11, 21): True}, date(2026, 11, 26)), ({date(2026, 11, 26): False}, date(2026, 11, 27))],
)
def test_a_local_day_moves_the_dates_of_a_published_year_too(monkeypatch, days, promised):
    """elderly_onewindow 5: 本地覆盖表(含临时调休)……重算未结时钟,机关义务取两者较早."""
    desk = running(date(2026, 11, 20), monkeypatch, promised=p.Limit(n=5, unit="working"), legal=None)
    assert due(desk) == p.Due(promised=date(2026, 11, 27))
    local = WorkingCalendar.load(days)
    assert needs_recount(desk.case, local.version)
    assert take_step(desk.case, context(desk.now), recount, local).state.items[item_id(1)].due.promised == promised


def test_a_case_without_an_open_date_is_left_alone():
    desk = Desk(planned(1))
    assert not needs_recount(desk.case, "another")
    desk.up(p.ItemAccepted, 1)
    assert needs_recount(desk.case, "another")
    desk.decide(1)
    assert not needs_recount(desk.case, "another")
    assert desk.case.calendar.startswith("chinesecalendar-")
