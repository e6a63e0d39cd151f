"""The figures of social assistance, by the vectors of the law paper assistance §4 and the contract's stories."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.assistance.domain.benefit_stop import reassess, review_due, stop
from services.assistance.domain.minimum_living import monthly, standard, within_margin
from services.assistance.domain.rules import RULES
from services.assistance.domain.temporary import Hardship, propose
from services.assistance.service import SERVICE
from shared.errors import Invalid
from shared.policy import Policy
from shared.roll import Running

POLICY = Policy.load(SERVICE.policy or Path())
HERE = "420112"
TODAY = date(2026, 11, 21)


def running(scheme="disability_living", **changed) -> Running:
    return Running.model_validate({"scheme": scheme, "monthly": "110.00", **changed})


HOUSEHOLD = running(
    "minimum_living",
    monthly="990.00",
    household={"members": 3, "income": "1500.00", "subject_income": "600.00"},
)


@pytest.mark.parametrize(
    ("vector", "std", "members", "income", "expected"),
    [("V01", 830, 3, 1500, 990), ("V02", 680, 4, 3000, 0), ("V05", 634, 2, 1268, 0), ("V07", 830, 3, 1800, 690)],
)
def test_vectors_of_the_household_s_allowance(vector, std, members, income, expected):
    assert monthly(Decimal(std), members, Decimal(income)) == Decimal(expected)


@pytest.mark.parametrize(("on", "expected"), [("2020-03-31", "780"), ("2020-04-01", "830")])
def test_vectors_v03_and_v04_the_standard_of_its_day(on, expected):
    assert standard(POLICY, HERE, "urban", date.fromisoformat(on)) == Decimal(expected)


def test_vectors_v05_and_v06_the_margin():
    margin = Decimal("1.5")
    assert within_margin(Decimal(634), 2, Decimal(1268), margin)
    assert within_margin(Decimal(730), 1, Decimal("1094.99"), margin)
    assert not within_margin(Decimal(730), 1, Decimal("1095.00"), margin)
    assert not within_margin(Decimal(730), 1, Decimal("729.99"), margin)


@pytest.mark.parametrize(
    ("died_on", "due"), [("2026-08-31", "2026-11-30"), ("2026-11-10", "2027-02-10"), ("2026-11-30", "2027-02-28")]
)
def test_vector_v10_a_member_s_death_is_reviewed_within_three_months(died_on, due):
    assert review_due(date.fromisoformat(died_on), POLICY, HERE) == date.fromisoformat(due)


@pytest.mark.parametrize(("asked", "proposed"), [("1000", "830"), ("500", "500")])
def test_vector_v21_quick_relief_up_to_one_month_s_standard(asked, proposed):
    found = propose(Hardship("quick", Decimal(asked), 3, TODAY), POLICY, HERE)
    assert (found.amount, found.cap, found.deciders) == (Decimal(proposed), Decimal(830), 1)
    assert (found.days, found.day_unit) == (3, "calendar")


def test_what_the_opinion_of_2026_says_of_quick_relief_is_cited_from_its_day_on():
    """assistance 2.4: 小额快救, 《关于进一步健全完善临时救助制度的意见》(2026-01)."""
    before, since = (
        POLICY.find("assistance.temporary.quick", HERE, day) for day in (date(2025, 12, 31), date(2026, 1, 1))
    )
    assert since.effective_from == date(2026, 1, 1)
    assert "关于进一步健全完善临时救助制度的意见" in since.cite()
    assert "意见" not in before.cite()
    assert "民发〔2018〕23号" in before.cite()


def test_urgent_relief_counts_persons_and_needs_two_to_decide():
    found = propose(Hardship("urgent", Decimal(9999), 3, TODAY), POLICY, HERE)
    assert (found.amount, found.deciders) == (Decimal(4980), 2)


def test_expenditure_relief_never_exceeds_what_was_spent():
    found = propose(Hardship("expenditure", Decimal(9000), 1, TODAY, expenses=Decimal(1200)), POLICY, HERE)
    assert (found.amount, found.publicity_days) == (Decimal(1200), 7)


def test_relief_is_by_the_standard_of_the_hardship_s_day():
    assert propose(Hardship("quick", Decimal(1000), 1, date(2020, 3, 31)), POLICY, HERE).amount == Decimal(780)


def test_vector_v30_both_disability_benefits_end_and_two_months_are_overpaid():
    both = [running(paid_through="2026-10"), running("disability_nursing", monthly="125.00", paid_through="2026-10")]
    found = stop(both, date(2026, 8, 31), POLICY, HERE)
    assert [e.from_month for e in found.endings] == ["2026-09", "2026-09"]
    assert (found.owed, found.overpaid) == (Decimal(0), Decimal(470))


def test_vector_36_of_the_funeral_paper_two_months_after_a_death_are_overpaid():
    found = stop([running(monthly="100.00", paid_through="2026-05")], date(2026, 3, 15), POLICY, HERE)
    assert found.endings[0].overpaid_months == ("2026-04", "2026-05")
    assert found.overpaid == Decimal(200)


def test_vector_34_of_the_funeral_paper_a_household_of_three_loses_a_member():
    std, household = Decimal(730), HOUSEHOLD.household
    assert monthly(std, household.members, household.income) == Decimal(690)
    allowance = running("minimum_living", monthly="690.00", household=household.model_dump(mode="json"))
    found = reassess(allowance, household, POLICY, "420281", date(2026, 4, 1))
    assert (found.standard, found.before, found.after) == (std, Decimal(690), Decimal(560))


def test_the_margin_of_today_is_said_to_be_unverified():
    # 社会救助法第二十一条, from 2026-07-01: the province says how far above the standard, the nation's 1.5 ends.
    (before,) = {POLICY.find("assistance.minimum_living.margin", HERE, date(2026, 6, 30)).confidence}
    assert (before, POLICY.find("assistance.minimum_living.margin", HERE, TODAY).confidence) == ("核", "未核实")


def test_a_household_s_allowance_is_not_stopped_but_a_single_person_s_is():
    assert stop([HOUSEHOLD], date(2026, 11, 10), POLICY, HERE).household == HOUSEHOLD
    alone = running("minimum_living", household={"members": 1, "income": "0.00"}, paid_through="2026-10")
    found = stop([alone], date(2026, 11, 10), POLICY, HERE)
    assert (len(found.endings), found.household, found.owed) == (1, None, Decimal(110))


def test_the_household_story_s_figures():
    found = reassess(HOUSEHOLD, HOUSEHOLD.household, POLICY, HERE, TODAY)
    assert (found.members_before, found.members_after) == (3, 2)
    assert (found.before, found.after, found.income) == (Decimal(990), Decimal(760), Decimal(900))
    assert reassess(HOUSEHOLD, HOUSEHOLD.household, POLICY, HERE, TODAY, Decimal(700)).after == Decimal(960)


@pytest.mark.parametrize(
    ("rule", "inputs", "value"),
    [
        ("assistance.minimum_living.monthly", {"members": "3", "income": "1500"}, "990.00"),
        ("assistance.minimum_living.monthly", {"members": "4", "income": "3000", "standard": "680"}, "0.00"),
        ("assistance.subsistence_margin.within", {"income": "1094.99", "standard": "730"}, "true"),
        ("assistance.benefit_stop.review_due", {"died_on": "2026-08-31"}, "2026-11-30"),
        ("assistance.temporary.amount", {"requested": "1000"}, "830.00"),
        (
            "assistance.benefit_stop.owed",
            {"died_on": "2026-08-31", "monthly": "235", "paid_through": "2026-10"},
            {"from": "2026-09", "owed": "0.00", "overpaid": "470.00"},
        ),
    ],
)
def test_rules_can_be_worked_out_by_hand(rule, inputs, value):
    found = RULES[rule](inputs, POLICY, TODAY, HERE)
    assert (found.rule, found.value) == (rule, value)
    assert found.explanation
    assert found.law


def test_a_missing_or_malformed_input_is_named():
    with pytest.raises(Invalid, match="/income"):
        RULES["assistance.minimum_living.monthly"]({"members": "3"}, POLICY, TODAY, HERE)
    with pytest.raises(Invalid, match="/members"):
        RULES["assistance.minimum_living.monthly"]({"members": "many", "income": "1"}, POLICY, TODAY, HERE)
