"""Legal dates and lamps, by the vectors of the law papers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import WorkingCalendar
from shared.catalog.halls import FOLDER, Hall, Halls, counts_from, halls
from shared.catalog.protocol import Due, Limit
from shared.errors import Misconfigured
from shared.handling import figures
from shared.handling.extension import allowed, refusal
from shared.handling.figures import clock_policy
from shared.handling.limits import examination_due, handling_due, lamp, working_calendar, yellow_day, yellow_from
from shared.outcomes import Lamp
from shared.policy import NATION, Policy, PolicyEntry

TABLE = working_calendar()
WORST = [Lamp.GREEN, Lamp.YELLOW, Lamp.RED, Lamp.LEGAL_RED]
DAYS = st.dates(date(2024, 1, 1), date(2027, 6, 30))
UNITS = st.sampled_from(["working", "calendar"])
SPANS = st.lists(st.tuples(DAYS, st.integers(0, 40)).map(lambda s: (s[0], s[0] + timedelta(days=s[1]))), max_size=4)


def working(n: int) -> Limit:
    return Limit(n=n, unit="working")


# --- pauses -----------------------------------------------------------------------------------------------------------


def test_elderly_onewindow_vector_18_a_pause_and_then_another():
    first = (date(2026, 5, 7), date(2026, 5, 13))
    start = date(2026, 4, 28)
    assert TABLE.due(start, 10, "working").date == date(2026, 5, 14)
    assert TABLE.due(start, 10, "working", pauses=[first]).date == date(2026, 5, 21)
    both = [first, (date(2026, 5, 15), date(2026, 5, 18))]
    assert TABLE.due(start, 10, "working", pauses=both).date == date(2026, 5, 22)


def test_overlapping_pauses_count_once():
    one = (date(2026, 5, 7), date(2026, 5, 13))
    other = (date(2026, 5, 9), date(2026, 5, 12))
    assert TABLE.due(date(2026, 4, 28), 10, "working", pauses=[one, other, one]).date == date(2026, 5, 21)


def test_a_pause_that_ends_on_its_own_day_costs_nothing():
    day = date(2026, 5, 7)
    assert TABLE.due(date(2026, 4, 28), 10, "working", pauses=[(day, day)]).date == date(2026, 5, 14)


def test_a_pause_moves_a_limit_of_calendar_days_by_its_days():
    pause = (date(2026, 5, 7), date(2026, 5, 13))
    assert TABLE.due(date(2026, 4, 28), 30, "calendar", pauses=[pause]).date == date(2026, 6, 3)


def _by_hand(start: date, n: int, unit: str, pauses: list[tuple[date, date]]) -> date:
    """elderly_onewindow 3.5: d counts if it is a day of the unit, later than the start, and in no (p, r]."""
    day = start
    while n:
        day += timedelta(days=1)
        stands = any(p < day <= r for p, r in pauses)
        n -= (unit == "calendar" or TABLE.is_working(day)) and not stands
    return day


@given(DAYS, st.integers(1, 40), UNITS, SPANS)
def test_a_limit_with_pauses_is_what_counting_day_by_day_gives(start, n, unit, pauses):
    assert TABLE.due(start, n, unit, pauses=pauses).date == _by_hand(start, n, unit, pauses)


@given(DAYS, st.integers(0, 40), UNITS, SPANS, SPANS)
def test_a_pause_never_shortens_a_limit(start, n, unit, pauses, more):
    before = TABLE.due(start, n, unit, pauses=pauses).date
    assert TABLE.due(start, n, unit, pauses=[*pauses, *more]).date >= before


# --- the two clocks ---------------------------------------------------------------------------------------------------


def test_elderly_onewindow_vector_20_what_nobody_examined_runs_out_on_the_fifth_working_day():
    due = examination_due(date(2026, 4, 30), [working(5), working(7)], TABLE)
    assert due is not None
    assert due.date == date(2026, 5, 11)


def test_elderly_onewindow_vector_21_side_by_side_and_one_after_the_other():
    check = handling_due(date(2026, 9, 14), working(5), None, TABLE).promised
    assessment = handling_due(date(2026, 9, 14), working(15), None, TABLE).promised
    assert (check, assessment) == (date(2026, 9, 20), date(2026, 10, 10))
    assert handling_due(date(2026, 10, 10), working(10), None, TABLE).promised == date(2026, 10, 23)


def test_assistance_vector_14_publicity_of_seven_days_and_the_next_working_day():
    ends = TABLE.due(date(2026, 11, 2), 7, "calendar").date
    assert (ends, ends + timedelta(days=1)) == (date(2026, 11, 9), date(2026, 11, 10))


@pytest.mark.parametrize(
    ("vector", "received", "cool_end", "window"),
    [
        (1, date(2026, 1, 31), date(2026, 3, 2), (date(2026, 3, 3), date(2026, 4, 1))),
        (2, date(2026, 1, 16), date(2026, 2, 24), (date(2026, 2, 25), date(2026, 3, 26))),
        (4, date(2026, 4, 9), date(2026, 5, 9), (date(2026, 5, 10), date(2026, 6, 8))),
        (6, date(2026, 5, 20), date(2026, 6, 22), (date(2026, 6, 23), date(2026, 7, 22))),
        (8, date(2024, 1, 30), date(2024, 2, 29), (date(2024, 3, 1), date(2024, 4, 1))),
        (9, date(2026, 3, 12), date(2026, 4, 13), (date(2026, 4, 14), date(2026, 5, 13))),
    ],
)
def test_marriage_funeral_vectors_of_f1_thirty_days_rolled_over_rest_days(vector, received, cool_end, window):
    assert TABLE.due(received, 30, "calendar", roll=True).date == cool_end
    assert (cool_end + timedelta(days=1), TABLE.due(cool_end, 30, "calendar", roll=True).date) == window


def test_an_extension_moves_the_promise_and_the_law_only_where_it_is_passed():
    start = date(2026, 10, 12)
    plain = handling_due(start, working(10), working(20), TABLE)
    longer = handling_due(start, working(10), working(20), TABLE, extra=5)
    longest = handling_due(start, working(10), working(20), TABLE, extra=15)
    assert plain == Due(promised=date(2026, 10, 26), legal=date(2026, 11, 9))
    assert longer == Due(promised=date(2026, 11, 2), legal=date(2026, 11, 9))
    assert longest == Due(promised=date(2026, 11, 16), legal=date(2026, 11, 16))
    assert handling_due(start, None, working(20), TABLE, extra=10).legal == date(2026, 11, 23)
    assert handling_due(start, None, None, TABLE) == Due()


@pytest.mark.parametrize(
    ("licence", "legal", "days", "above"),
    [
        (True, working(20), 10, False),
        (True, None, 10, False),
        (True, working(45), 15, True),
        (False, working(45), 10, False),
    ],
)
def test_how_long_an_extension_may_be_and_who_approves_it(licence, legal, days, above):
    """行政许可法第四十二条: 20+10; 45+15 by the leader of the government."""
    found = allowed(licence=licence, legal=legal, region="420112", on=date(2026, 11, 20))
    assert (found.days, found.above) == (days, above)


@pytest.mark.parametrize(
    ("to", "today", "code"),
    [
        (date(2026, 11, 23), date(2026, 11, 9), None),
        (date(2026, 11, 24), date(2026, 11, 9), "EXTENSION_TOO_LONG"),
        (date(2026, 11, 9), date(2026, 11, 9), "EXTENSION_NOT_LATER"),
        (date(2026, 11, 20), date(2026, 11, 10), "EXTENSION_LATE"),
    ],
)
def test_an_extension_comes_before_the_day_and_within_what_the_law_allows(to, today, code):
    due = Due(promised=date(2026, 11, 9), legal=date(2026, 11, 9))
    assert refusal(due, None, to, today, working(20), 10, TABLE) == code


# --- lamps ------------------------------------------------------------------------------------------------------------


def test_yellow_from_a_fifth_of_the_limit_at_least_one_day_and_never_for_what_is_done_on_the_spot():
    due, day = Due(promised=date(2026, 11, 20)), date(2026, 11, 20)
    assert [yellow_from(n, day) for n in (1, 5, 6, 10, 11, 20, 30)] == [1, 1, 2, 2, 3, 4, 6]
    assert lamp(due, 0, day, TABLE) is Lamp.GREEN
    assert lamp(due, 0, day + timedelta(days=1), TABLE) is Lamp.RED
    assert yellow_day(day, 0, "working", TABLE) is None


def test_from_when_on_a_lamp_is_yellow_is_a_dated_figure_of_its_place(monkeypatch):
    """elderly_onewindow 3.5: 亮灯(阈值 cfg)."""
    near = PolicyEntry(
        rule="lamp.yellow",
        region="420112",
        effective_from=date(2026, 12, 1),
        confidence="未核实",
        source="测试",
        value={"percent": 50, "least": 3},
    )
    known = [clock_policy().find("lamp.yellow", NATION, date(2026, 12, 1)), near]
    monkeypatch.setattr(figures, "clock_policy", lambda: Policy(known))
    figures.yellow.cache_clear()
    later, before = date(2026, 12, 4), date(2026, 11, 30)
    assert [yellow_from(n, later, "420112001000") for n in (2, 10)] == [3, 5]
    assert [yellow_from(n, later, "420102") for n in (2, 10)] == [1, 2]
    assert yellow_from(10, before, "420112") == 2
    due = Due(promised=later)
    assert lamp(due, 10, date(2026, 11, 27), TABLE, region="420112") is Lamp.YELLOW
    assert lamp(due, 10, date(2026, 11, 27), TABLE) is Lamp.GREEN
    assert yellow_day(later, 10, "working", TABLE, "420112") == date(2026, 11, 27)
    figures.yellow.cache_clear()


def test_the_four_lamps_of_a_limit():
    due = handling_due(date(2026, 10, 12), working(10), working(20), TABLE)
    seen = [lamp(due, 10, date(2026, 10, day), TABLE) for day in (21, 22, 26, 27)]
    assert seen == [Lamp.GREEN, Lamp.YELLOW, Lamp.YELLOW, Lamp.RED]
    assert lamp(due, 10, date(2026, 11, 9), TABLE) is Lamp.RED
    assert lamp(due, 10, date(2026, 11, 10), TABLE) is Lamp.LEGAL_RED


@given(DAYS, st.integers(0, 30), st.integers(0, 30), UNITS, SPANS)
def test_without_an_event_a_lamp_only_gets_worse(start, n, more, unit, pauses):
    due = handling_due(start, Limit(n=n, unit=unit), Limit(n=n + more, unit=unit), TABLE, pauses)
    days = [start + timedelta(days=k) for k in range(120)]
    seen = [WORST.index(lamp(due, n, day, TABLE, unit)) for day in days]
    assert seen == sorted(seen)


@given(DAYS, st.integers(1, 40), UNITS)
def test_the_day_of_the_reminder_is_the_first_yellow_one(start, n, unit):
    due = TABLE.due(start, n, unit).date
    day = yellow_day(due, n, unit, TABLE)
    assert lamp(Due(promised=due), n, day, TABLE, unit) is Lamp.YELLOW
    assert lamp(Due(promised=due), n, day - timedelta(days=1), TABLE, unit) in (Lamp.GREEN, Lamp.YELLOW)


# --- Spring Festival and moved working days ---------------------------------------------------------------------------


def test_elderly_onewindow_vector_40_spring_festival_and_its_moved_working_days():
    days = [date(2026, 2, 13) + timedelta(days=n) for n in range(15)]
    assert sum(TABLE.is_working(day) for day in days) == 6
    assert TABLE.working_days_between(date(2026, 2, 13), date(2026, 2, 27)) == 5


@given(st.dates(date(2026, 1, 20), date(2026, 3, 10)), st.integers(1, 15))
def test_around_spring_festival_a_limit_counts_saturdays_that_are_worked_and_no_holiday(start, n):
    end = TABLE.due(start, n, "working").date
    inside = [start + timedelta(days=k) for k in range(1, (end - start).days + 1)]
    holiday = {date(2026, 2, 15) + timedelta(days=k) for k in range(9)}
    worked = [
        d for d in inside if d not in holiday and (d.weekday() < 5 or d in {date(2026, 2, 14), date(2026, 2, 28)})
    ]
    assert len(worked) == n


# --- the hall's own calendar ------------------------------------------------------------------------------------------


HALL = "420112-HALL"


@pytest.mark.parametrize(
    ("day", "opening"),
    [
        (date(2026, 11, 20), "normal"),
        (date(2026, 11, 21), "extended"),
        (date(2026, 11, 22), "closed"),
        (date(2026, 5, 20), "peak"),
        (date(2026, 8, 19), "peak"),
        (date(2026, 10, 3), "closed"),
        (date(2026, 2, 14), "normal"),
    ],
)
def test_when_the_hall_is_open(day, opening):
    hall = halls().of(HALL, day)
    assert hall is not None
    assert hall.opening(day, TABLE) == opening
    assert halls().of("nowhere", day) is None


@pytest.mark.parametrize(
    ("at", "channel", "region", "day"),
    [
        ("2026-11-21T10:00:00+08:00", "window", "420112", date(2026, 11, 23)),
        ("2026-11-21T10:00:00+08:00", "online", "420112", date(2026, 11, 21)),
        ("2026-11-21T10:00:00+08:00", "window", "420102", date(2026, 11, 21)),
        ("2026-11-20T10:00:00+08:00", "window", "420112", date(2026, 11, 20)),
        ("2026-10-03T10:00:00+08:00", "window", "420112", date(2026, 10, 3)),
    ],
)
def test_what_a_window_takes_on_an_extended_saturday_counts_as_received_on_the_next_working_day(
    at, channel, region, day
):
    assert counts_from(datetime.fromisoformat(at), channel, region, TABLE) == day


def test_by_another_policy_the_saturday_itself_counts():
    hall = halls().of(HALL, date(2026, 11, 21))
    assert hall is not None
    other = Halls([hall.model_copy(update={"rest_day_counts_as": "same_day"})])
    at = datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert counts_from(at, "window", "420112", TABLE, other) == date(2026, 11, 21)


def test_the_halls_closed_saturdays_are_those_of_published_holidays():
    (hall,) = [h for h in [halls().of(HALL, date(2026, 6, 1))] if h]
    saturdays = [date(2026, 1, 3) + timedelta(days=7 * n) for n in range(52)]
    festive = {d for d in saturdays if not TABLE.is_working(d) and _in_a_holiday(d)}
    assert set(hall.closed) == festive


def _in_a_holiday(day: date) -> bool:
    return chinese_calendar.get_holiday_detail(day)[1] is not None


def test_a_wrong_hall_stops_the_start_by_its_file(tmp_path):
    (tmp_path / "x.yaml").write_text("- hall: A\n", "utf-8")
    with pytest.raises(Misconfigured, match=r"x\.yaml"):
        Halls.load(tmp_path)
    assert isinstance(Halls.load(FOLDER).of(HALL, date(2026, 1, 5)), Hall)


def test_a_table_of_another_version_dates_the_unpublished_year_otherwise():
    published = WorkingCalendar.load({date(2027, 1, 4): False})
    assert published.version != TABLE.version
    assert TABLE.due(date(2026, 12, 4), 20, "working").date == date(2027, 1, 4)
    assert published.due(date(2026, 12, 4), 20, "working").date == date(2027, 1, 5)
