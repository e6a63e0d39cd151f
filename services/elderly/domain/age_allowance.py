"""高龄津贴 age allowance: tiers by age and month, the first month paid, the earliest month to register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from shared.identity import LeapRule, age_on
from shared.money import ZERO, yuan
from shared.months import add_months, first_day, last_day, month_of
from shared.policy import Policy

StartRule = Literal["BIRTH_MONTH", "NEXT_MONTH"]
RULE = "elderly.age_allowance"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one region and month: (age, yuan a month) ascending, and when a birthday begins to count."""

    tiers: tuple[tuple[int, Decimal], ...]
    start_rule: StartRule
    leap_rule: LeapRule

    @property
    def first_age(self) -> int:
        """The age of the lowest tier."""
        return self.tiers[0][0]


def terms_for(policy: Policy, region: str, month: str) -> Terms:
    """What holds in a region in a month (in force on its last day)."""
    on = last_day(month)
    tiers = policy.find(f"{RULE}.tiers", region, on).value
    return Terms(
        tiers=tuple(sorted((int(t["from_age"]), yuan(t["monthly"])) for t in tiers)),
        start_rule=policy.find(f"{RULE}.start_rule", region, on).value,
        leap_rule=policy.find(f"{RULE}.leap_rule", region, on).value,
    )


def monthly(birth: date, month: str, terms: Terms) -> Decimal:
    """Yuan for one month: the tier of the age reached in it, or before it (`NEXT_MONTH`); 0.00 below the first."""
    reached_by = month if terms.start_rule == "BIRTH_MONTH" else add_months(month, -1)
    age = age_on(birth, last_day(reached_by), terms.leap_rule)
    return next((amount for from_age, amount in reversed(terms.tiers) if age >= from_age), ZERO)


def total(birth: date, months: list[str], terms: Terms) -> Decimal:
    """Yuan for several months, as a quarter's payment is added up."""
    return yuan(sum((monthly(birth, month, terms) for month in months), ZERO))


def first_month(birth: date, terms: Terms) -> str:
    """The first month paid, by age alone."""
    month = add_months(month_of(birth), terms.first_age * 12)
    while not monthly(birth, month, terms):
        month = add_months(month, 1)
    return month


def register_from(birth: date, age: int, months_before: int) -> str:
    """The earliest month in which one may register: some months before the month of that birthday."""
    return add_months(month_of(birth), age * 12 - months_before)


def quarter_months(quarter: str) -> list[str]:
    """The three months of `2026Q2`; `ValueError` for anything else."""
    year, _, number = quarter.upper().partition("Q")
    if number not in {"1", "2", "3", "4"}:
        raise ValueError("季度形如 2026Q2 / a quarter looks like 2026Q2")
    first = month_of(first_day(f"{int(year):04d}-{int(number) * 3 - 2:02d}"))
    return [first, add_months(first, 1), add_months(first, 2)]
