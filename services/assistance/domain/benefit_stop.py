"""逝者本人救助待遇停发: the person's own benefits end; a household's allowance is never stopped, it is reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.assistance.domain.minimum_living import monthly, standard
from shared.money import ZERO, format_yuan, yuan
from shared.months import add_months_to
from shared.policy import Policy
from shared.roll import Ending, Restoring, RollHousehold, Running, end_with_death, restore

RULE = "assistance.benefit_stop"
FAMILY = "assistance"


@dataclass(frozen=True, slots=True)
class Stop:
    """What ends with one death, and the household's allowance that stays (None: there is none)."""

    endings: tuple[Ending, ...]
    household: Running | None = None

    @property
    def owed(self) -> Decimal:
        """Yuan due through the month of death and not yet paid."""
        return yuan(sum((e.owed for e in self.endings), ZERO))

    @property
    def overpaid(self) -> Decimal:
        """Yuan paid for months after the death."""
        return yuan(sum((e.overpaid for e in self.endings), ZERO))

    def public(self) -> dict[str, Any]:
        """The result of the item; nothing in it is personal, nor of the household's means."""
        ended = {"from": self.endings[0].from_month} if self.endings else {}
        return {
            "schemes": [e.public() for e in self.endings],
            **ended,
            "owed": format_yuan(self.owed),
            "overpaid": format_yuan(self.overpaid),
            "explanation": [e.explain() for e in self.endings],
        }


def is_household(benefit: Running) -> bool:
    """Whether others live on it: a household of more than one."""
    return benefit.household is not None and benefit.household.members > 1


def stop(running: Sequence[Running], died_on: date, policy: Policy, region: str) -> Stop:
    """The person's own end when policy says after a death; the household's allowance stays."""
    after = int(policy.find(f"{RULE}.months_after_death", region, died_on).value)
    own = [b for b in running if not is_household(b)]
    shared = [b for b in running if is_household(b)]
    return Stop(tuple(end_with_death(b, died_on, after) for b in own), shared[0] if shared else None)


def restored(running: Sequence[Running], on: date) -> tuple[Restoring, ...]:
    """The person's own benefits run again, once the death proved not to be so."""
    return tuple(restore(b, on) for b in running if not is_household(b))


def review_due(died_on: date, policy: Policy, region: str) -> date:
    """成员死亡的核查: the last day on which it is to be concluded (民发〔2021〕57号: three months)."""
    months = int(policy.find(f"{RULE}.review_months", region, died_on).value)
    return add_months_to(died_on, months)


@dataclass(frozen=True, slots=True)
class Reassessment:
    """A household without the dead member: what it gets now and what the rule works out; a person decides."""

    members_before: int
    members_after: int
    before: Decimal
    after: Decimal
    income: Decimal
    standard: Decimal

    def public(self) -> dict[str, Any]:
        """As the review's task shows it to its handler."""
        return {
            "members_before": self.members_before,
            "members_after": self.members_after,
            "before": format_yuan(self.before),
            "after": format_yuan(self.after),
            "income": format_yuan(self.income),
            "standard": format_yuan(self.standard),
            "explanation": [self._explain()],
        }

    def _explain(self) -> str:
        left = f"{format_yuan(self.standard)} × {self.members_after} − {format_yuan(self.income)}"
        return f"{left} = {format_yuan(self.after)} 元/月(低于0按0) / yuan a month, at least 0"


def reassess(
    allowance: Running, household: RollHousehold, policy: Policy, region: str, on: date, income: Decimal | None = None
) -> Reassessment:
    """The allowance without the dead member, by the standard in force; `income` is the household's as a person found
    it, else what the roll holds less the dead person's own share."""
    std = standard(policy, region, household.area, on)
    left = max(ZERO, household.income - household.subject_income) if income is None else income
    members = household.members - 1
    after = monthly(std, members, left)
    return Reassessment(household.members, members, allowance.monthly, after, left, std)
