"""The figures of care for the old, by the vectors of the law paper elderly_onewindow §6."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.elderly.domain import age_allowance
from services.elderly.domain.age_allowance import Terms, monthly, quarter_months, register_from, terms_for, total
from services.elderly.domain.benefit_stop import stop
from services.elderly.domain.rules import RULES
from services.elderly.service import SERVICE
from shared.errors import Invalid
from shared.policy import Policy
from shared.roll import Running

POLICY = Policy.load(SERVICE.policy or Path())
WUHAN, HEFEI = "420112", "340102"


def terms(region: str = WUHAN, **changed) -> Terms:
    found = terms_for(POLICY, region, "2026-06")
    return Terms(**{**{n: getattr(found, n) for n in ("tiers", "start_rule", "leap_rule")}, **changed})


@pytest.mark.parametrize(("start_rule", "expected"), [("BIRTH_MONTH", "200"), ("NEXT_MONTH", "100")])
def test_vector_25_the_quarter_in_which_one_turns_80(start_rule, expected):
    months = quarter_months("2026Q2")
    assert total(date(1946, 5, 20), months, terms(start_rule=start_rule)) == Decimal(expected)


def test_vector_26_the_quarter_in_which_one_turns_90():
    assert total(date(1936, 8, 15), quarter_months("2026Q3"), terms()) == Decimal(500)


def test_vector_29_a_year_in_hefei_in_which_one_turns_100():
    months = [f"2026-{m:02d}" for m in range(1, 13)]
    assert total(date(1926, 11, 3), months, terms(HEFEI)) == Decimal(3600)


@pytest.mark.parametrize(("leap_rule", "expected"), [("FEB28", "200"), ("MAR1", "100")])
def test_vector_32_born_on_a_leap_day(leap_rule, expected):
    assert monthly(date(1940, 2, 29), "2030-02", terms(leap_rule=leap_rule)) == Decimal(expected)


def test_vector_33_the_first_month_to_register():
    assert register_from(date(1947, 1, 9), 80, 2) == "2026-11"
    assert register_from(date(1966, 8, 24), 60, 2) == "2026-06"


def test_the_first_month_paid_is_the_month_of_the_birthday_or_the_one_after():
    assert age_allowance.first_month(date(1947, 1, 9), terms()) == "2027-01"
    assert age_allowance.first_month(date(1947, 1, 9), terms(start_rule="NEXT_MONTH")) == "2027-02"


def running(**changed) -> Running:
    values = {"scheme": "age_allowance", "monthly": "100.00", "paid_through": "2026-09", **changed}
    return Running.model_validate(values)


def test_the_sample_s_death_leaves_october_and_november_owed():
    found = stop([running()], date(2026, 11, 10), date(1940, 2, 29), POLICY, WUHAN).public()
    assert (found["from"], found["owed"], found["overpaid"]) == ("2026-12", "200.00", "0.00")
    assert found["schemes"][0]["owed_months"] == ["2026-10", "2026-11"]


def test_a_birthday_in_the_unpaid_months_raises_what_is_owed():
    found = stop([running()], date(2026, 12, 2), date(1936, 11, 5), POLICY, WUHAN)
    assert found.owed == Decimal(500)  # October 100, November and December 200


def test_a_roll_that_pays_another_amount_is_followed_as_it_is():
    found = stop([running(monthly="90.00")], date(2026, 12, 2), date(1936, 11, 5), POLICY, WUHAN)
    assert found.owed == Decimal(270)


def test_months_paid_after_the_death_are_overpaid_and_nothing_is_owed():
    found = stop([running(paid_through="2027-01")], date(2026, 11, 10), None, POLICY, WUHAN)
    assert (found.owed, found.overpaid) == (Decimal(0), Decimal(200))
    assert found.endings[0].overpaid_months == ("2026-12", "2027-01")


def test_a_service_quota_ends_but_is_never_owed():
    found = stop([running(scheme="home_care")], date(2026, 11, 10), None, POLICY, WUHAN)
    assert (found.endings[0].from_month, found.owed) == ("2026-12", Decimal(0))


def test_a_region_without_tiers_follows_the_roll():
    assert stop([running()], date(2026, 11, 10), date(1940, 2, 29), POLICY, "110101").owed == Decimal(200)


@pytest.mark.parametrize(
    ("rule", "inputs", "value"),
    [
        ("elderly.age_allowance.monthly", {"birth": "1946-05-20", "quarter": "2026Q2"}, "200.00"),
        ("elderly.age_allowance.monthly", {"birth": "1940-02-29"}, "100.00"),
        ("elderly.age_allowance.register_from", {"birth": "1947-01-09"}, "2026-11"),
        (
            "elderly.benefit_stop.owed",
            {"died_on": "2026-11-10", "monthly": "100.00", "paid_through": "2026-09", "birth": "1940-02-29"},
            "200.00",
        ),
    ],
)
def test_rules_can_be_worked_out_by_hand(rule, inputs, value):
    found = RULES[rule](inputs, POLICY, date(2026, 11, 21), WUHAN)
    assert (found.rule, found.value) == (rule, value)
    assert found.explanation
    assert found.policy_version == POLICY.version


def test_a_missing_or_malformed_input_is_named():
    with pytest.raises(Invalid, match="/birth"):
        RULES["elderly.age_allowance.monthly"]({}, POLICY, date(2026, 11, 21), WUHAN)
    with pytest.raises(Invalid, match="/died_on FORMAT"):
        RULES["elderly.benefit_stop.owed"]({"died_on": "soon"}, POLICY, date(2026, 11, 21), WUHAN)
