"""Working days and limits, checked against the vectors of the law paper on care for the old (elderly_onewindow §6)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import Due, WorkingCalendar, _statutory_days, read_overrides
from shared.config import Settings
from shared.errors import Misconfigured
from shared.handling.limits import keep_local_days, working_calendar, working_days_from
from shared.runtime.local_days import local_days

TABLE = WorkingCalendar.load()
DAYS = st.dates(date(2004, 1, 1), date(2030, 12, 31))


def test_vector_10_make_up_days_are_working_days_and_holidays_are_not():
    for day in (date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20)):
        assert TABLE.is_working(day)
    assert not TABLE.is_working(date(2026, 2, 16))


@pytest.mark.parametrize(
    ("vector", "start", "n", "due"),
    [
        (12, date(2026, 4, 28), 10, date(2026, 5, 14)),
        (13, date(2026, 9, 24), 5, date(2026, 10, 9)),
        (13, date(2026, 9, 29), 20, date(2026, 11, 2)),
        (15, date(2025, 9, 26), 5, date(2025, 10, 10)),
        ("assistance V13", date(2026, 10, 12), 3, date(2026, 10, 15)),
        ("assistance V13", date(2026, 10, 12), 20, date(2026, 11, 9)),
        ("assistance V13", date(2026, 10, 12), 30, date(2026, 11, 23)),
        ("assistance V13", date(2026, 10, 12), 45, date(2026, 12, 14)),
        ("assistance V17", date(2026, 10, 12), 15, date(2026, 11, 2)),
        (20, date(2026, 4, 30), 5, date(2026, 5, 11)),
        (21, date(2026, 9, 14), 5, date(2026, 9, 20)),
        (21, date(2026, 9, 14), 15, date(2026, 10, 10)),
        (21, date(2026, 10, 10), 10, date(2026, 10, 23)),
    ],
)
def test_working_day_limits_of_the_law_paper(vector, start, n, due):
    assert TABLE.due(start, n, "working") == Due(due, provisional=False)


def test_vector_16_an_unpublished_year_falls_back_and_says_so():
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(date(2027, 1, 4))
    assert TABLE.is_working(date(2027, 1, 4))
    assert TABLE.is_provisional(date(2027, 1, 4))
    assert not TABLE.is_working(date(2027, 1, 1))


def test_a_limit_is_provisional_only_when_it_reaches_an_unpublished_year():
    assert TABLE.due(date(2026, 12, 3), 20, "working") == Due(date(2026, 12, 31), provisional=False)
    assert TABLE.due(date(2026, 12, 4), 20, "working") == Due(date(2027, 1, 4), provisional=True)


def test_vector_40_counting_the_days_after_a_start():
    assert TABLE.working_days_between(date(2026, 2, 13), date(2026, 2, 27)) == 5
    assert TABLE.working_days_between(date(2026, 2, 27), date(2026, 2, 13)) == 0


def test_the_thirteen_statutory_days_of_an_unpublished_year():
    rest = {date(2027, 1, 1), date(2027, 4, 5), date(2027, 5, 1), date(2027, 5, 2), date(2027, 6, 9)}
    rest |= {date(2027, 2, 5) + timedelta(days=n) for n in range(4)} | {date(2027, 9, 15)}
    rest |= {date(2027, 10, day) for day in (1, 2, 3)}
    assert len(rest) == 13
    every_day = [date(2027, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {d for d in every_day if not TABLE.is_working(d)} == rest | {d for d in every_day if d.weekday() > 4}


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_the_fallback_was_a_holiday_in_the_years_published_under_its_rule(year):
    assert _statutory_days([year]) <= {day for day in chinese_calendar.holidays if day.year == year}
    assert len(_statutory_days([year])) == 13


@given(st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_published_years_agree_with_the_library(day):
    assert TABLE.is_working(day) == chinese_calendar.is_workday(day)
    assert not TABLE.is_provisional(day)


@given(DAYS, st.integers(1, 60))
def test_the_nth_working_day_is_a_working_day_with_n_counted(start, n):
    end = TABLE.add_working_days(start, n)
    assert TABLE.is_working(end)
    assert TABLE.working_days_between(start, end) == n
    assert sum(TABLE.is_working(start + timedelta(days=i)) for i in range(1, (end - start).days + 1)) == n


@given(DAYS, st.integers(1, 60))
def test_counting_back_is_the_mirror_of_counting_on(start, n):
    before = TABLE.add_working_days(start, -n)
    assert TABLE.is_working(before)
    assert sum(TABLE.is_working(before + timedelta(days=i)) for i in range((start - before).days)) == n


def test_calendar_days_count_every_day_and_roll_over_a_rest_day_when_asked():
    # marriage_funeral vector 9: 30 days from 2026-03-12 end on a Saturday.
    assert TABLE.due(date(2026, 3, 12), 30, "calendar").date == date(2026, 4, 11)
    assert TABLE.due(date(2026, 3, 12), 30, "calendar", roll=True) == Due(date(2026, 4, 13), provisional=False)
    assert TABLE.due(date(2026, 12, 10), 30, "calendar") == Due(date(2027, 1, 9), provisional=False)
    assert TABLE.due(date(2026, 12, 10), 30, "calendar", roll=True) == Due(date(2027, 1, 11), provisional=True)


@pytest.mark.parametrize("unit", ["working", "calendar"])
def test_a_limit_of_nothing_is_the_start_and_a_negative_one_is_refused(unit):
    assert TABLE.due(date(2026, 10, 3), 0, unit).date == date(2026, 10, 3)
    with pytest.raises(ValueError, match="negative"):
        TABLE.due(date(2026, 10, 3), -1, unit)


def test_a_local_override_wins_and_makes_its_day_known():
    table = WorkingCalendar.load({date(2026, 11, 23): False, date(2027, 1, 2): True})
    assert not table.is_working(date(2026, 11, 23))
    assert table.is_working(date(2027, 1, 2))
    assert not table.is_provisional(date(2027, 1, 2))
    assert table.due(date(2026, 11, 20), 1, "working").date == date(2026, 11, 24)
    assert table.version != TABLE.version


def test_overrides_are_read_from_a_file_or_refused_by_the_settings_name(tmp_path):
    path = tmp_path / "local.yaml"
    path.write_text("days: {2026-11-23: rest, 2026-11-28: working}", "utf-8")
    assert read_overrides(path, "ONEWINDOW_X") == {date(2026, 11, 23): False, date(2026, 11, 28): True}
    for wrong in ("days: {2026-11-23: closed}", "days: [1]", "other: 1", "days: {soon: rest}", ": ["):
        path.write_text(wrong, "utf-8")
        with pytest.raises(Misconfigured, match="ONEWINDOW_X"):
            read_overrides(path, "ONEWINDOW_X")
    with pytest.raises(Misconfigured):
        read_overrides(tmp_path / "missing.yaml", "ONEWINDOW_X")


def test_a_platform_reckons_with_the_local_days_that_its_setting_names(tmp_path):
    """elderly_onewindow 5: 降级链: 本地覆盖表(含临时调休)→包→缺年兜底."""
    path = tmp_path / "local.yaml"
    path.write_text("days: {2026-11-23: rest}\nsource: 演示:临时停止办公一天", "utf-8")
    plain = working_calendar()
    try:
        keep_local_days(local_days(Settings(calendar=path)))
        assert working_calendar().due(date(2026, 11, 20), 1, "working").date == date(2026, 11, 24)
        assert working_days_from(datetime(2026, 11, 20, 2, tzinfo=UTC), 1).date == date(2026, 11, 24)
        assert working_calendar().version != plain.version
    finally:
        keep_local_days({})
    assert working_calendar().version == plain.version
    with pytest.raises(Misconfigured, match="ONEWINDOW_CALENDAR"):
        local_days(Settings(calendar=tmp_path / "missing.yaml"))


def test_a_day_outside_the_table_is_refused_not_guessed():
    for day in (date(1999, 12, 31), date(2099, 1, 1)):
        with pytest.raises(ValueError, match="2000 to 2098"):
            TABLE.is_working(day)
    with pytest.raises(ValueError, match="ends before"):
        TABLE.due(date(2098, 12, 30), 20, "working")
