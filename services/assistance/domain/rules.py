"""The rules that can be worked out by hand (`onewindow calc`), by name; inputs are texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from services.assistance.domain.benefit_stop import FAMILY, review_due, stop
from services.assistance.domain.benefit_stop import RULE as STOP
from services.assistance.domain.minimum_living import RULE, standard, within_margin
from services.assistance.domain.minimum_living import monthly as monthly_amount
from services.assistance.domain.temporary import Hardship, propose
from shared.inputs import count, day, money, month
from shared.money import format_yuan
from shared.policy import Calculation, Policy, Rule
from shared.roll import Running

_LAW = "《社会救助法》"


def _standard(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Decimal:
    """The one given, else that of the area in force."""
    if "standard" in inputs:
        return money(inputs, "standard")
    return standard(policy, region, inputs.get("area", "urban"), as_of)


def monthly(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`members`, `income` (`area`, or `standard`): the household's minimum living allowance a month."""
    std, members, income = _standard(inputs, policy, as_of, region), count(inputs, "members"), money(inputs, "income")
    value = format_yuan(monthly_amount(std, members, income))
    line = f"max(0, {format_yuan(std)} × {members} − {format_yuan(income)}) = {value} 元/月 / yuan a month"
    law = (f"{_LAW}第十八条",)
    return Calculation("assistance.minimum_living.monthly", value, [line], dict(inputs), law, policy.version)


def margin(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`members`, `income` (`area`, or `standard`): whether the household is on the margin (`true`, `false`)."""
    std, members, income = _standard(inputs, policy, as_of, region), count(inputs, "members"), money(inputs, "income")
    entry = policy.find(f"{RULE}.margin", region, as_of)
    multiple = Decimal(str(entry.value))
    value = str(within_margin(std, members, income, multiple)).lower()
    line = f"{format_yuan(std)} ≤ 人均 / a head < {format_yuan(std)} × {multiple}: {value}"
    law = (f"{_LAW}第二十一条", entry.cite())
    return Calculation("assistance.subsistence_margin.within", value, [line], dict(inputs), law, policy.version)


def owed(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`died_on`, `monthly`, `paid_through` (`scheme`): `{from, owed, overpaid}` of a dead person's own benefit."""
    benefit = Running(
        scheme=inputs.get("scheme", "disability_living"),
        family=FAMILY,
        monthly=money(inputs, "monthly"),
        paid_through=month(inputs, "paid_through"),
    )
    died_on = day(inputs, "died_on")
    found = stop([benefit], died_on, policy, region).public()
    value = {name: found[name] for name in ("from", "owed", "overpaid")}
    entry = policy.find(f"{STOP}.months_after_death", region, died_on)
    law = (f"{_LAW}第四十七条", entry.cite())
    return Calculation("assistance.benefit_stop.owed", value, found["explanation"], dict(inputs), law, policy.version)


def review_by(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`died_on`: the last day of the household's review."""
    died_on = day(inputs, "died_on")
    due = review_due(died_on, policy, region).isoformat()
    entry = policy.find(f"{STOP}.review_months", region, died_on)
    line = f"成员死亡后 {entry.value} 个月内核查办结,至 {due} / concluded by {due}"
    law = (entry.cite(),)
    return Calculation("assistance.benefit_stop.review_due", due, [line], dict(inputs), law, policy.version)


def amount(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`requested` (`kind`, `persons`, `area`, `expenses`): the temporary relief proposed for a hardship of `as_of`."""
    hardship = Hardship(
        kind=inputs.get("kind", "quick"),
        requested=money(inputs, "requested"),
        persons=count(inputs, "persons"),
        occurred_on=as_of,
        area=inputs.get("area", "urban"),
        expenses=money(inputs, "expenses") if "expenses" in inputs else None,
    )
    found = propose(hardship, policy, region)
    law = (f"{_LAW}第二十九条、第五十条", policy.find(f"assistance.temporary.{hardship.kind}", region, as_of).cite())
    value = format_yuan(found.amount)
    return Calculation("assistance.temporary.amount", value, [found.explanation], dict(inputs), law, policy.version)


RULES: Mapping[str, Rule] = {
    "assistance.minimum_living.monthly": monthly,
    "assistance.subsistence_margin.within": margin,
    "assistance.benefit_stop.owed": owed,
    "assistance.benefit_stop.review_due": review_by,
    "assistance.temporary.amount": amount,
}
