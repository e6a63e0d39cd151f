"""When a whole case is to end: side by side the latest, one after the other added up (elderly_onewindow 3.5, vector 21)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.coordinator.domain.graph import case_graph
from services.intake.domain.lamps import clock
from shared.catalog import protocol as p
from shared.catalog.protocol import Due, Limit
from shared.handling.limits import handling_due, working_calendar
from shared.handling.path import Leg, whole_due
from shared.outcomes import ItemStatus
from tests.support.coordination import NOW, Desk, context, planned
from tests.support.received import CATALOG, concluded, item_of, received

TABLE = working_calendar()
DAYS = st.dates(date(2025, 1, 1), date(2027, 3, 31))
LIMITS = st.none() | st.builds(Limit, n=st.integers(0, 30), unit=st.sampled_from(["working", "calendar"]))


def working(n: int) -> Limit:
    return Limit(n=n, unit="working")


@st.composite
def plans(draw):
    """Items in an order in which each comes after some of those before it; the law gives no less than is promised."""
    legs = {}
    for n in range(draw(st.integers(1, 6))):
        after = draw(st.sets(st.integers(0, n - 1))) if n else set()
        promised, more = draw(LIMITS), draw(st.integers(0, 20))
        legal = draw(st.none() | st.just(promised and promised.model_copy(update={"n": promised.n + more})))
        legs[n] = Leg(draw(DAYS), tuple(sorted(after)), promised, legal)
    return legs


def test_elderly_onewindow_vector_21_the_whole_case():
    """09-14: 核对5∥评估15→补贴10: 09-20; 10-10; 全案10-23."""
    day = date(2026, 9, 14)
    check = Leg(day, promised=working(5), due=handling_due(day, working(5), None, TABLE))
    assessment = Leg(day, promised=working(15), due=handling_due(day, working(15), None, TABLE))
    allowance = Leg(day, ("check", "assessment"), promised=working(10))
    legs = {"check": check, "assessment": assessment, "allowance": allowance}
    assert whole_due(legs, TABLE) == Due(promised=date(2026, 10, 23), provisional=True)
    early = {**legs, "assessment": replace(assessment, ended=date(2026, 9, 28)), "check": replace(check, ended=day)}
    assert whole_due(early, TABLE) == Due(promised=date(2026, 10, 16)), "what was decided early moves what comes after"


def test_what_the_law_limits_takes_what_it_gives_and_elsewhere_what_is_promised():
    day = date(2026, 10, 12)
    legs = {1: Leg(day, promised=working(5), legal=working(20)), 2: Leg(day, (1,), promised=working(10))}
    found = whole_due(legs, TABLE)
    assert found == Due(promised=date(2026, 11, 2), legal=date(2026, 11, 23), provisional=True)
    assert whole_due({2: replace(legs[2], after=())}, TABLE).legal is None
    assert whole_due({1: Leg(day)}, TABLE) is None


def test_a_clock_that_stands_or_has_not_begun_may_still_move():
    day = date(2026, 10, 12)
    leg = Leg(day, promised=working(5))
    assert whole_due({1: leg}, TABLE) == Due(promised=date(2026, 10, 19))
    assert whole_due({1: replace(leg, sure=False)}, TABLE).provisional


@given(plans())
def test_where_nothing_comes_after_anything_the_whole_ends_with_its_last_item(legs):
    apart = {n: replace(leg, after=()) for n, leg in legs.items()}
    dues = [handling_due(leg.start, leg.promised, leg.legal, TABLE) for leg in legs.values()]
    limited = [leg for leg in legs.values() if leg.promised or leg.legal]
    found = whole_due(apart, TABLE)
    if not limited:
        assert found is None
        return
    ends = [due.promised or leg.start for due, leg in zip(dues, legs.values(), strict=True)]
    assert found.promised == max(ends)
    running = {n: replace(leg, due=due) for (n, leg), due in zip(apart.items(), dues, strict=True)}
    assert whole_due(running, TABLE).promised == max(ends), "whether or not their clocks run"


@given(plans(), st.data())
def test_more_time_another_item_or_another_edge_never_end_it_earlier(legs, data):
    before = whole_due(legs, TABLE)
    n = data.draw(st.sampled_from(sorted(legs)))
    leg, days = legs[n], data.draw(st.integers(0, 20))
    longer = {
        f: limit.model_copy(update={"n": limit.n + days}) for f in ("promised", "legal") if (limit := getattr(leg, f))
    }
    later = replace(leg, start=leg.start + timedelta(days=days))
    edges = replace(leg, after=tuple(sorted({*leg.after, *range(n)})))
    others = [
        {**legs, n: replace(leg, **longer)},
        {**legs, n: later},
        {**legs, n: edges},
        {**legs, len(legs): Leg(leg.start, (n,), working(days))},
    ]
    for changed in others:
        after = whole_due(changed, TABLE)
        if before is not None:
            assert after.promised >= before.promised
            assert before.legal is None or after.legal >= before.legal


@given(plans())
def test_the_law_never_ends_before_the_promise_and_a_way_is_as_long_as_its_items(legs):
    found = whole_due(legs, TABLE)
    if found is None:
        return
    assert found.legal is None or found.legal >= found.promised
    by_hand: dict[int, date] = {}
    for n, leg in legs.items():
        begins = max([leg.start, *(by_hand[m] for m in leg.after)])
        limit = leg.promised or leg.legal
        by_hand[n] = TABLE.due(begins, limit.n, limit.unit).date if limit else begins
    assert found.promised == max(by_hand.values())


# --- where it is shown ------------------------------------------------------------------------------------------------


def test_the_application_s_clock_tells_the_whole_case_from_its_receiving_on():
    state = received().state
    whole = clock(state, CATALOG, state.received_at, TABLE)["whole"]
    # The cremation has fifteen working days from 23 November, the waiver that comes after it five.
    assert whole == {"promised": "2026-12-21", "legal": None, "provisional": True}
    concluded(state, "funeral.cremation", ItemStatus.APPROVED, decided_at=NOW)
    sooner = clock(state, CATALOG, state.received_at, TABLE)["whole"]
    assert sooner["promised"] < whole["promised"]
    assert item_of(state, "funeral.cremation").status == "approved"


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20))
def test_the_case_s_graph_tells_the_same(first, second):
    desk = Desk(
        planned(1, promised=working(first), legal=None), planned(2, [(1, True)], promised=working(second), legal=None)
    )
    for n in (1, 2):
        desk.up(p.ItemAccepted, n)
    whole = case_graph(desk.case, context(desk.now))["clock"]["whole"]
    one = TABLE.due(desk.case.received_on, first, "working").date
    assert whole["promised"] == TABLE.due(one, second, "working").date.isoformat()
    assert whole["provisional"] is True
    desk.decide(1, decided_at=NOW)
    ended = case_graph(desk.case, context(desk.now))["clock"]["whole"]
    assert ended["promised"] == TABLE.due(desk.case.received_on, second, "working").date.isoformat()
