"""What the rules propose on an application for the age allowance; a person decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from services.elderly.domain import age_allowance
from services.elderly.domain.age_allowance import RULE, Terms, monthly, terms_for
from shared.money import ZERO, format_yuan
from shared.months import month_of
from shared.policy import Policy
from shared.regions import covers
from shared.roll import Running

SCHEME = "age_allowance"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the applicant when the rules look: from the number, the form and the sources."""

    birth: date
    region: str
    received_on: date
    start_month: str | None
    hukou_region: str | None
    hukou_confirmed: bool
    alive: bool
    running: Sequence[Running]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Grant `amount` yuan a month from `from_month` (no `reasons`), or look at these reasons against it."""

    amount: Decimal
    from_month: str
    reasons: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    tier: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    def public(self) -> dict[str, Any]:
        """The proposal as a task shows it; nothing in it is personal."""
        return {
            "amount": format_yuan(self.amount),
            "from": self.from_month,
            "tier": self.tier,
            "reasons": list(self.reasons),
            "explanation": list(self.explanation),
        }


def propose(facts: Facts, policy: Policy) -> Proposal:
    """The amount and first month by age and policy, and every reason against a grant."""
    terms = terms_for(policy, facts.region, month_of(facts.received_on))
    start = _from_month(facts, terms, policy)
    at_start = terms_for(policy, facts.region, start)
    amount = monthly(facts.birth, start, at_start)
    tier = max((age for age, value in at_start.tiers if value == amount), default=0)
    return Proposal(amount, start, tuple(_against(facts, terms, policy)), _explain(amount, start, tier), tier)


def _from_month(facts: Facts, terms: Terms, policy: Policy) -> str:
    by_age = age_allowance.first_month(facts.birth, terms)
    rule = policy.find(f"{RULE}.late_start", facts.region, facts.received_on).value
    applied = month_of(facts.received_on) if rule == "APPLICATION_MONTH" else by_age
    return max(by_age, applied, facts.start_month or by_age)


def _against(facts: Facts, terms: Terms, policy: Policy) -> list[str]:
    before = int(policy.find(f"{RULE}.register_months_before", facts.region, facts.received_on).value)
    scope = str(policy.find(f"{RULE}.hukou_scope", facts.region, facts.received_on).value)
    earliest = age_allowance.register_from(facts.birth, terms.first_age, before)
    found = {
        "NOT_ALIVE": not facts.alive,
        "HUKOU_CONTRADICTED": not facts.hukou_confirmed,
        "NOT_LOCAL_HUKOU": not covers(scope, facts.hukou_region or ""),
        "TOO_YOUNG": month_of(facts.received_on) < earliest,
        "ALREADY_PAID": any(b.scheme == SCHEME for b in facts.running),
    }
    return [code for code, holds in found.items() if holds]


def _explain(amount: Decimal, start: str, tier: int) -> tuple[str, ...]:
    if amount == ZERO:
        return (f"{start} 尚未达到最低年龄档 / the lowest tier is not reached in {start}",)
    said = format_yuan(amount)
    return (f"{start} 起按 {tier} 周岁档每月 {said} 元 / from {start} the tier of {tier}, {said} yuan a month",)
