"""A new calendar moves the dates of tasks too: to the earlier day, with what hangs on them, and never to a later one."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from services.coordinator.domain.recount import needs_recount, recount
from services.coordinator.handlers import take_step
from services.intake.domain import visits
from services.intake.domain.duties import row
from services.intake.tables import TASK
from shared.calendar import WorkingCalendar
from shared.catalog import protocol as p
from shared.changes import SetTimer
from shared.handling.limits import end_of, working_calendar
from shared.handling.recount import recount_items, recount_listed
from shared.handling.standing import _move
from shared.handling.tasks import live_tasks, redate
from tests.support.coordination import Desk, context, planned
from tests.support.fake_ctx import message
from tests.support.received import ctx, received
from tests.support.toy_procedure import TABLES
from tests.unit.test_handling import CTX, start

TABLE = working_calendar()
SATURDAY_WORKED = {date(2026, 11, 21): True}


def toy_task():
    item, _ = start({"people": True})
    (task,) = live_tasks(item)
    return item, task


def test_a_task_of_an_item_is_due_earlier_where_a_day_is_worked_after_all():
    """elderly_onewindow 8-9: 未结件的日期一律重算,机关义务取较早; its escalation and what the item waits for go with it."""
    item, task = toy_task()
    before, opened = task.due, TABLE.add_working_days(task.due, -task.days)
    rest = next(d for n in range(9) if not TABLE.is_working(d := date.fromordinal(opened.toordinal() + n)))
    calendar = WorkingCalendar.load({rest: True})
    changes = recount_items(TABLES.task)(item, CTX, calendar)
    expected = calendar.due(opened, task.days, "working").date
    assert (task.due, task.escalate_on) == (expected, expected)
    assert expected < before
    assert item.waiting_on.until == expected
    assert message(changes, "ItemProgressed").waiting_on.until == expected
    assert [t for t in changes.timers if isinstance(t, SetTimer)] == [SetTimer(f"task:{task.id}", end_of(expected))]
    assert [put.values["due"] for put in changes.puts] == [expected]
    assert recount_items(TABLES.task)(item, CTX, calendar) is None, "again is nothing new"


def test_a_task_is_never_due_later_and_one_dated_before_its_days_were_kept_stays():
    item, task = toy_task()
    closed = WorkingCalendar.load({task.due: False})
    assert recount_items(TABLES.task)(item, CTX, closed) is None
    task.days = None
    assert not redate(task, WorkingCalendar.load(SATURDAY_WORKED))


def test_an_escalation_that_has_begun_keeps_its_day():
    item, task = toy_task()
    calendar = WorkingCalendar.load({d: True for n in range(9) if not TABLE.is_working(d := date(2026, 11, 20 + n))})
    task.escalation, task.escalate_on = 1, date(2026, 12, 24)
    redate(task, calendar)
    assert task.escalate_on == date(2026, 12, 24)
    assert item.tasks == [task]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.dates(date(2026, 11, 15), date(2026, 12, 20)), st.booleans(), max_size=15))
def test_whatever_the_new_calendar_says_the_office_gains_no_day(overrides):
    item, task = toy_task()
    before = task.due
    calendar = WorkingCalendar.load(overrides)
    recount_items(TABLES.task)(item, CTX, calendar)
    opened = TABLE.add_working_days(before, -task.days)
    assert task.due == min(before, calendar.due(opened, task.days, "working").date)


def test_a_task_of_the_coordinator_is_dated_anew_with_its_case():
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1)
    desk.up(p.ItemReturned, 1)
    desk.up(p.ItemReturned, 1, round_=2)
    desk.up(p.ItemReturned, 1, round_=3)
    (task,) = desk.case.tasks
    before = task.due
    calendar = WorkingCalendar.load(SATURDAY_WORKED)
    assert needs_recount(desk.case, calendar.version)
    changes = take_step(desk.case, context(desk.now), recount, calendar)
    assert task.due == date(2026, 11, 21) < before
    assert SetTimer(f"task:{task.id}", end_of(date(2026, 11, 21))) in changes.timers
    assert [put.values["due"] for put in changes.puts] == [date(2026, 11, 21)]
    assert not needs_recount(desk.case, calendar.version)


def test_a_task_of_an_application_is_dated_anew():
    state = received().state
    visits.open_visit(state, "correction", ctx())
    (task,) = live_tasks(state)
    task.due = task.escalate_on = TABLE.add_working_days(task.due, 3)  # as a calendar that was put right since had it
    changes = recount_listed(TASK, row)(state, ctx(), TABLE)
    assert task.due == TABLE.due(date(2026, 11, 23), task.days, "working").date
    assert changes.timers == [SetTimer(f"task:{task.id}", end_of(task.due))]
    assert [put.values["due"] for put in changes.puts] == [task.due]


def test_the_days_of_a_pause_stay_with_the_task():
    """elderly_onewindow 8-9: 暂停期间同样不计入经办人的待办期限."""
    item, task = toy_task()
    days, due = task.days, task.due
    _move(task, 4)
    assert (task.days, task.due) == (days + 4, TABLE.add_working_days(due, 4))
    assert not redate(task, TABLE), "what was lost to the pause is not taken back"
    assert item.tasks == [task]
