"""What access decides: units and their dates, roles and stand-ins, and how often a name may be tried."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.access.domain.accounts import (
    FORGOTTEN_AFTER,
    FREE_TRIES,
    LONGEST_WAIT,
    refuse_sign_in,
    wait_to_try,
)
from services.access.domain.units import (
    Assignment,
    HeldRole,
    UnitFacts,
    change_unit,
    check_together,
    check_unit,
    in_force,
    roles_on,
)
from services.access.store.seed import AccountFacts, RoleFacts, _check_roles, _checked_units
from shared.catalog.protocol import UnitChanged
from shared.complaints import field_errors
from shared.errors import Misconfigured
from shared.http.principal import DEPARTMENT_ROLES, STAFF_ROLES

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
TODAY = date(2026, 11, 21)
DEMO = Path(__file__).resolve().parents[2] / "demo"


def unit(code, region="420112", parent=None, **changed):
    facts = {"kind": "section", "name": "某科", "valid_from": date(2020, 1, 1), **changed}
    return UnitFacts(code=code, region=region, parent=parent, **facts)


TREE = {
    u.code: u for u in (unit("420100", "420100"), unit("420112", parent="420100"), unit("420112-A", parent="420112"))
}


def test_a_new_unit_is_told_to_every_service_and_the_same_again_to_none():
    first = change_unit(None, unit("420112-B"))
    assert first is not None
    [emit] = first.emits
    assert (emit.topic, emit.aggregate_id, emit.key) == ("onewindow.access.events", "420112-B", "420112-B")
    assert isinstance(emit.message, UnitChanged)
    assert emit.message.code == "420112-B"
    assert change_unit(first.state, unit("420112-B")) is None


def test_a_changed_unit_remembers_what_it_was():
    first = change_unit(None, unit("420112-B"))
    assert first is not None
    renamed = change_unit(first.state, unit("420112-B", name="新名"))
    assert renamed is not None
    assert (renamed.state.facts.name, [past.name for past in renamed.state.past]) == ("新名", ["某科"])


@pytest.mark.parametrize(
    ("facts", "pointer", "code"),
    [
        (unit("420112-b"), "/code", "UNIT_CODE"),
        (unit("X", "42"), "/region", "REGION_FORMAT"),
        (unit("X", valid_to=date(2019, 12, 31)), "/valid_to", "DATES"),
        (unit("X", parent="NOWHERE"), "/parent", "UNKNOWN_UNIT"),
        (unit("420112", parent="420112"), "/parent", "CIRCLE"),
        (unit("420112", parent="420112-A"), "/parent", "CIRCLE"),
        (unit("X", "420102", parent="420112-A"), "/region", "OUTSIDE_PARENT"),
    ],
)
def test_a_wrong_unit_is_refused_naming_the_field(facts, pointer, code):
    assert [(e.pointer, e.code) for e in check_unit(facts, TREE)] == [(pointer, code)]


def test_a_good_unit_is_taken():
    assert check_unit(unit("420112-A-W1", "420112001000", parent="420112-A"), TREE) == []


@given(st.dates(), st.dates(), st.dates())
def test_both_ends_of_a_period_belong_to_it(a, b, on):
    first, last = sorted((a, b))
    assert in_force(first, last, on) == (first <= on <= last)
    assert in_force(None, None, on)


def held(account, *assignments, on=TODAY, units=TREE):
    return roles_on(account, assignments, units, on)


def test_a_role_is_held_between_its_dates_only():
    own = Assignment("a", "handler", "420112-A", date(2026, 11, 1), date(2026, 11, 21))
    assert held("a", own) == (HeldRole("handler", "420112-A", "420112"),)
    assert held("a", own, on=date(2026, 10, 31)) == ()
    assert held("a", own, on=date(2026, 11, 22)) == ()


def test_a_unit_that_is_closed_gives_no_role():
    own = Assignment("a", "handler", "C")
    closed = {"C": unit("C", valid_to=date(2026, 11, 20))}
    assert held("a", own, units=closed, on=date(2026, 11, 20))
    assert not held("a", own, units=closed)
    assert not held("a", own, units={})


def test_a_citizen_holds_a_role_nowhere():
    assert held("c", Assignment("c", "citizen", None)) == (HeldRole("citizen", "", ""),)


ADMINISTRATORS = ("operator", "security", "auditor")


@pytest.mark.parametrize("pair", [*combinations(ADMINISTRATORS, 2), ADMINISTRATORS], ids=" and ".join)
def test_the_three_administrators_are_three_people(pair):
    wrong = check_together(("handler", *pair))
    assert wrong is not None
    assert wrong.code == "ADMINISTRATORS_APART"
    person = {"account": "both", "name": "n", "kind": "staff", "secret": "onewindow"}
    both = AccountFacts.model_validate({**person, "roles": [{"role": role, "unit": "C"} for role in pair]})
    with pytest.raises(Misconfigured, match="both"):
        _check_roles([both], {"C": unit("C")})


@pytest.mark.parametrize("role", ADMINISTRATORS)
def test_one_of_the_three_may_hold_other_roles_and_be_held_in_several_units(role):
    assert check_together((role, role, "clerk")) is None
    assert held("a", Assignment("a", role, "C"), Assignment("a", "clerk", "C"), units={"C": unit("C")})


def test_who_came_to_hold_two_of_the_three_may_use_neither():
    both = (Assignment("a", "operator", "C"), Assignment("a", "auditor", "C"), Assignment("a", "clerk", "C"))
    assert [r.role for r in held("a", *both, units={"C": unit("C")})] == ["clerk"]


OWN = Assignment("boss", "approver", "420112-A", None, date(2026, 12, 31))
STAND_IN = Assignment("deputy", "approver", "420112-A", date(2026, 11, 20), date(2026, 11, 22), "boss")


@pytest.mark.parametrize("day", [19, 20, 22, 23])
def test_a_stand_in_holds_the_role_between_the_two_dates_only(day):
    assert bool(held("deputy", OWN, STAND_IN, on=date(2026, 11, day))) == (20 <= day <= 22)


def test_a_stand_in_keeps_the_one_stood_in_for_in_the_role():
    assert held("boss", OWN, STAND_IN) == held("deputy", OWN, STAND_IN)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((), id="nobody holds it"),
        pytest.param((Assignment("boss", "approver", "420112-A", None, date(2026, 11, 20)),), id="whose time is over"),
        pytest.param((Assignment("boss", "approver", "420112"),), id="who holds it elsewhere"),
        pytest.param((Assignment("boss", "handler", "420112-A"),), id="who holds another role"),
        pytest.param(
            (OWN.__class__("boss", "approver", "420112-A", date(2026, 1, 1), date(2026, 12, 31), "chief"),),
            id="who is a stand-in too",
        ),
    ],
)
def test_a_stand_in_for_somebody_without_the_role_holds_nothing(others):
    assert held("deputy", STAND_IN, *others) == ()


def test_a_stand_in_without_both_dates_holds_nothing_and_cannot_be_written_down():
    assert held("deputy", OWN, Assignment("deputy", "approver", "420112-A", date(2026, 1, 1), None, "boss")) == ()
    with pytest.raises(ValueError, match="both dates"):
        RoleFacts(role="approver", unit="420112-A", valid_from=date(2026, 1, 1), stand_in_for="boss")


def test_a_role_that_there_is_not_is_named_at_its_place_with_those_that_are_near():
    with pytest.raises(ValidationError) as cause:
        RoleFacts(role="handlr", unit="420112-A")
    (wrong,) = field_errors(cause.value.errors())
    assert (wrong.pointer, wrong.code) == ("/role", "UNKNOWN_ROLE")
    assert "handler" in wrong.message
    assert "handlr" not in wrong.message


@pytest.mark.parametrize(
    ("kind", "grant", "disabled", "fits", "why"),
    [
        ("staff", "password", False, True, None),
        ("citizen", "password", False, True, None),
        ("department", "client_credentials", False, True, None),
        ("department", "password", False, True, "wrong_grant"),
        ("staff", "client_credentials", False, True, "wrong_grant"),
        ("staff", "password", True, True, "disabled"),
        ("staff", "password", False, False, "wrong_secret"),
        ("staff", "password", True, False, "wrong_secret"),
        (None, "password", False, False, "unknown"),
    ],
)
def test_who_is_let_in(kind, grant, disabled, fits, why):
    assert refuse_sign_in(kind, grant, disabled=disabled, secret_fits=fits) == why


def test_a_few_wrong_tries_cost_nothing_and_more_cost_ever_more_up_to_a_limit():
    waits = [wait_to_try(n, NOW, NOW).total_seconds() for n in range(FREE_TRIES + 9)]
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits[FREE_TRIES:] == [15, 30, 60, 120, 240, 480, 900, 900, 900]


@given(st.integers(0, 10_000), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_nobody_is_shut_out_for_longer_than_the_longest_wait(failures, since):
    wait = wait_to_try(failures, NOW - since, NOW)
    assert timedelta(0) <= wait <= LONGEST_WAIT
    if since >= min(FORGOTTEN_AFTER, LONGEST_WAIT):
        assert wait == timedelta(0)


def demo(name):
    return yaml.safe_load((DEMO / f"{name}.yaml").read_text("utf-8"))[name]


def test_the_demonstration_has_a_sound_tree_and_every_account_of_the_contract():
    tree = _checked_units(demo("units"))
    people = [AccountFacts.model_validate(p) for p in demo("accounts")]
    _check_roles(people, tree)
    names = {p.account for p in people}
    assert STAFF_ROLES | DEPARTMENT_ROLES | {"citizen"} <= names
    assert {p.account for p in people if p.kind == "department"} == DEPARTMENT_ROLES
    assert {p.secret for p in people} == {"onewindow-demo"}
    named = {
        a
        for u in tree.values()
        for field in ("staff", "stand_ins")
        for n in u.attributes.get(field, {}).values()
        for a in n
    }
    assert named <= names


def test_the_stated_staff_of_each_unit_hold_those_roles_there():
    tree = _checked_units(demo("units"))
    people = [AccountFacts.model_validate(p) for p in demo("accounts")]
    all_of = [Assignment(p.account, *r.model_dump().values()) for p in people for r in p.roles]
    for facts in tree.values():
        for role, accounts in facts.attributes.get("staff", {}).items():
            for account in accounts:
                assert any((h.role, h.unit) == (role, facts.code) for h in roles_on(account, all_of, tree, TODAY))


def test_units_that_contradict_each_other_stop_the_start():
    with pytest.raises(Misconfigured, match="X/parent UNKNOWN_UNIT"):
        _checked_units([unit("X", parent="Y").model_dump()])


@pytest.mark.parametrize(
    "stand_ins",
    [
        [{"account": "s", "valid_from": "2026-12-01"}],
        {"handler": [{"account": "s", "valid_from": "2026-12-02", "valid_to": "2026-12-01"}]},
        {"handler": "s"},
        [7],
    ],
)
def test_a_stand_in_of_a_unit_has_both_days_or_is_one_account(stand_ins):
    wrong = check_unit(unit("420112-A", parent="420112", attributes={"stand_ins": stand_ins}), TREE)
    assert [e.pointer for e in wrong] == ["/attributes/stand_ins"]
    good = {"handler": ["s", {"account": "t", "valid_from": "2026-12-01", "valid_to": "2026-12-31"}]}
    assert check_unit(unit("420112-A", parent="420112", attributes={"stand_ins": good}), TREE) == []
