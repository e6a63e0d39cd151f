"""Business time: Beijing dates, a clock that stands, a clock that is moved, and settings that say so."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.clock import FixedClock, SystemClock, VirtualClock, beijing_date, new_id, parse_clock
from shared.errors import Conflict, Misconfigured

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_the_legal_date_changes_at_midnight_in_beijing():
    assert beijing_date(datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert beijing_date(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == date(2026, 11, 21)


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        beijing_date(datetime(2026, 11, 21))  # noqa: DTZ001


def test_every_clock_answers_in_utc():
    for setting in ("system", "fixed:2026-11-21T12:00:00+08:00", "virtual:2026-11-21T12:00:00+08:00"):
        assert parse_clock(setting).now().tzinfo is UTC
    assert parse_clock("fixed:2026-11-21T12:00:00+08:00").now() == NOON
    assert isinstance(parse_clock("system"), SystemClock)
    assert isinstance(parse_clock("fixed:2026-11-21T12:00:00Z"), FixedClock)


@pytest.mark.parametrize(
    "setting",
    ["", "sytem", "system:now", "fixed", "fixed:tomorrow", "fixed:2026-11-21", "virtual:2026-11-21T12:00:00"]
    + [f"virtual:2026-11-21T12:00:00Z@{speed}" for speed in ("", "fast", "-1", "nan", "inf")],
)
def test_a_wrong_clock_stops_the_start_by_name(setting):
    with pytest.raises(Misconfigured) as caught:
        parse_clock(setting)
    assert caught.value.setting == "ONEWINDOW_CLOCK"
    assert "virtual:" in caught.value.detail_en


def test_a_virtual_clock_stands_still_until_it_is_moved():
    virtual = parse_clock("virtual:2026-11-21T04:00:00Z")
    assert isinstance(virtual, VirtualClock)
    assert virtual.now() == virtual.now() == NOON
    assert virtual.set(NOON + timedelta(days=5)) == virtual.now() == NOON + timedelta(days=5)
    virtual.set(virtual.now())


@given(st.lists(st.integers(-10_000, 10_000), max_size=20))
def test_a_virtual_clock_never_goes_back(moves):
    virtual = VirtualClock(NOON)
    for seconds in moves:
        before, at = virtual.now(), NOON + timedelta(seconds=seconds)
        with pytest.raises(Conflict, match="CLOCK_BACKWARDS") if at < before else nullcontext():
            virtual.set(at)
        assert virtual.now() == max(before, at)


def test_a_fast_virtual_clock_runs_at_its_speed(monkeypatch):
    real = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: real[0])
    virtual = parse_clock("virtual:2026-11-21T04:00:00Z@60")
    real[0] += 2
    assert virtual.now() == NOON + timedelta(minutes=2)


def test_ids_are_new_and_of_version_7():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {i.version for i in ids} == {7}
