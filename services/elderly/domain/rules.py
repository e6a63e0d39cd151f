"""The rules that can be worked out by hand (`onewindow calc`), by name; inputs are texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from services.elderly.domain import age_allowance
from services.elderly.domain.benefit_stop import FAMILY, stop
from services.elderly.domain.grant import SCHEME
from shared.errors import FieldError, Invalid
from shared.money import format_yuan, yuan
from shared.months import month_of
from shared.policy import Calculation, Policy
from shared.roll import Running

Rule = Callable[[Mapping[str, str], Policy, date, str], Calculation]
_LAW = ("《武汉市高龄津贴发放管理办法》[摘]",)


def _given(inputs: Mapping[str, str], name: str) -> str:
    if name not in inputs:
        raise Invalid([FieldError(f"/{name}", "REQUIRED", "请给出此项 / this is required")])
    return inputs[name]


def _day(inputs: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(_given(inputs, name))
    except ValueError:
        raise Invalid([FieldError(f"/{name}", "FORMAT", "日期形如 2026-11-10 / a date like 2026-11-10")]) from None


def monthly(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`birth`, and `month` or `quarter` (by default the month of `as_of`): the age allowance of that time."""
    birth = _day(inputs, "birth")
    months = age_allowance.quarter_months(inputs["quarter"]) if "quarter" in inputs else []
    months = months or [inputs.get("month", month_of(as_of))]
    each = {m: age_allowance.monthly(birth, m, age_allowance.terms_for(policy, region, m)) for m in months}
    lines = [f"{m}: {format_yuan(amount)} 元 / yuan" for m, amount in each.items()]
    value = format_yuan(yuan(sum(each.values())))
    return Calculation("elderly.age_allowance.monthly", value, lines, dict(inputs), _LAW, policy.version)


def register_from(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`birth`: the earliest month in which one may register for the age allowance."""
    birth = _day(inputs, "birth")
    terms = age_allowance.terms_for(policy, region, month_of(as_of))
    before = int(policy.find(f"{age_allowance.RULE}.register_months_before", region, as_of).value)
    month = age_allowance.register_from(birth, terms.first_age, before)
    line = f"满 {terms.first_age} 周岁前 {before} 个月起可登记 / {before} months before the age of {terms.first_age}"
    return Calculation(
        "elderly.age_allowance.register_from", month, [f"{line}: {month}"], dict(inputs), _LAW, policy.version
    )


def owed(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`died_on`, `monthly`, `paid_through` (`scheme`, `since`, `birth` if known): what is still owed at a death."""
    died_on = _day(inputs, "died_on")
    benefit = Running(
        scheme=inputs.get("scheme", SCHEME),
        family=FAMILY,
        monthly=yuan(_given(inputs, "monthly")),
        paid_through=inputs.get("paid_through"),
        since=inputs.get("since"),
    )
    found = stop([benefit], died_on, _day(inputs, "birth") if "birth" in inputs else None, policy, region)
    value, lines = found.public(), [e.explain() for e in found.endings]
    return Calculation("elderly.benefit_stop.owed", value["owed"], lines, dict(inputs), _LAW, policy.version)


RULES: Mapping[str, Rule] = {
    "elderly.age_allowance.monthly": monthly,
    "elderly.age_allowance.register_from": register_from,
    "elderly.benefit_stop.owed": owed,
}
