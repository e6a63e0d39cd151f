"""临时救助 temporary relief: what the rule proposes for a hardship, by kind, standard and policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.assistance.domain.minimum_living import standard
from shared.money import format_yuan, yuan
from shared.policy import Policy

RULE = "assistance.temporary"


@dataclass(frozen=True, slots=True)
class Hardship:
    """What was applied for: `kind` quick, urgent, expenditure or transitional; `expenses` what they paid, if asked."""

    kind: str
    requested: Decimal
    persons: int
    occurred_on: date
    area: str = "urban"
    expenses: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """`amount` yuan proposed, never above `cap`; how many persons decide, in how many days, of what kind."""

    amount: Decimal
    cap: Decimal
    deciders: int
    days: int
    day_unit: str
    publicity_days: int
    explanation: str

    def public(self) -> dict[str, Any]:
        """As a task and the result show it; nothing in it is personal."""
        return {"amount": format_yuan(self.amount), "cap": format_yuan(self.cap), "explanation": [self.explanation]}


def propose(hardship: Hardship, policy: Policy, region: str) -> Proposal:
    """`min(requested, cap[, expenses])`; the standard is that of the day of the hardship and never filled in later."""
    terms: Mapping[str, Any] = policy.find(f"{RULE}.{hardship.kind}", region, hardship.occurred_on).value
    std = standard(policy, region, hardship.area, hardship.occurred_on)
    heads = hardship.persons if terms["per_person"] else 1
    cap = yuan(std * int(terms["standards"]) * heads)
    limits = [hardship.requested, cap, *([hardship.expenses] if hardship.expenses is not None else [])]
    amount = min(limits)
    return Proposal(
        amount=amount,
        cap=cap,
        deciders=int(terms["deciders"]),
        days=int(terms["days"]["n"]),
        day_unit=str(terms["days"]["unit"]),
        publicity_days=int(terms.get("publicity_days", 0)),
        explanation=_explain(hardship, std, int(terms["standards"]), heads, cap, amount),
    )


def _explain(hardship: Hardship, std: Decimal, times: int, heads: int, cap: Decimal, amount: Decimal) -> str:
    asked, spent = format_yuan(hardship.requested), hardship.expenses
    expenses = f"、支出 {format_yuan(spent)}" if spent is not None else ""
    return (
        f"封顶 {format_yuan(std)} × {times} × {heads} = {format_yuan(cap)};申请 {asked}{expenses};取小 "
        f"{format_yuan(amount)} 元 / capped at {format_yuan(cap)}, asked {asked}: {format_yuan(amount)} yuan"
    )
