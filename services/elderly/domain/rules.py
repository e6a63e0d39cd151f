"""The rules that can be worked out by hand (`onewindow calc`), by name; inputs are texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.elderly.domain import age_allowance
from services.elderly.domain.benefit_stop import FAMILY, stop
from services.elderly.domain.benefit_stop import RULE as STOP
from services.elderly.domain.grant import SCHEME
from shared.errors import FieldError, Invalid
from shared.inputs import day, money, month
from shared.money import format_yuan, yuan
from shared.months import last_day, month_of
from shared.policy import Calculation, Policy, Rule
from shared.roll import Running


def _months(inputs: Mapping[str, str], as_of: date) -> list[str]:
    """The three of the quarter, else the one month named, else that of `as_of`."""
    if "quarter" not in inputs:
        return [month(inputs, "month") or month_of(as_of)]
    try:
        return age_allowance.quarter_months(inputs["quarter"])
    except ValueError as cause:
        raise Invalid([FieldError("/quarter", "FORMAT", str(cause))]) from None


def monthly(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`birth`, and `month` or `quarter` (by default the month of `as_of`): the age allowance of that time."""
    birth = day(inputs, "birth")
    months = _months(inputs, as_of)
    each = {m: age_allowance.monthly(birth, m, age_allowance.terms_for(policy, region, m)) for m in months}
    lines = [f"{m}: {format_yuan(amount)} 元 / yuan" for m, amount in each.items()]
    value = format_yuan(yuan(sum(each.values())))
    law = tuple({policy.find(f"{age_allowance.RULE}.tiers", region, last_day(m)).cite(): None for m in months})
    return Calculation("elderly.age_allowance.monthly", value, lines, dict(inputs), law, policy.version)


def register_from(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`birth`: the earliest month in which one may register for the age allowance."""
    birth = day(inputs, "birth")
    terms = age_allowance.terms_for(policy, region, month_of(as_of))
    entry = policy.find(f"{age_allowance.RULE}.register_months_before", region, as_of)
    before = int(entry.value)
    month = age_allowance.register_from(birth, terms.first_age, before)
    law = (entry.cite(),)
    line = f"满 {terms.first_age} 周岁前 {before} 个月起可登记 / {before} months before the age of {terms.first_age}"
    return Calculation(
        "elderly.age_allowance.register_from", month, [f"{line}: {month}"], dict(inputs), law, policy.version
    )


def owed(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`died_on`, `monthly`, `paid_through` (`scheme`, `since`, `birth` if known): what is still owed at a death."""
    died_on = day(inputs, "died_on")
    benefit = Running(
        scheme=inputs.get("scheme", SCHEME),
        family=FAMILY,
        monthly=money(inputs, "monthly"),
        paid_through=month(inputs, "paid_through"),
        since=month(inputs, "since"),
    )
    found = stop([benefit], died_on, day(inputs, "birth") if "birth" in inputs else None, policy, region)
    value, lines = found.public(), [e.explain() for e in found.endings]
    law = (policy.find(f"{STOP}.months_after_death", region, died_on).cite(),)
    return Calculation("elderly.benefit_stop.owed", value["owed"], lines, dict(inputs), law, policy.version)


RULES: Mapping[str, Rule] = {
    "elderly.age_allowance.monthly": monthly,
    "elderly.age_allowance.register_from": register_from,
    "elderly.benefit_stop.owed": owed,
}
