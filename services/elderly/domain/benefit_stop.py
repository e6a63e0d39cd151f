"""逝者养老待遇停发: what a death ends of the allowances for the old, and what is still owed to the heirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.elderly.domain.age_allowance import monthly, terms_for
from services.elderly.domain.grant import SCHEME
from shared.money import ZERO, format_yuan, yuan
from shared.months import month_of
from shared.policy import Policy, PolicyMissing
from shared.roll import Ending, Restoring, Running, end_with_death, restore

RULE = "elderly.benefit_stop"
FAMILY = "elderly"


@dataclass(frozen=True, slots=True)
class Stop:
    """All that ends with one death."""

    endings: tuple[Ending, ...]

    @property
    def owed(self) -> Decimal:
        """Yuan due through the month of death and not yet paid."""
        return yuan(sum((e.owed for e in self.endings), ZERO))

    @property
    def overpaid(self) -> Decimal:
        """Yuan paid for months after the death."""
        return yuan(sum((e.overpaid for e in self.endings), ZERO))

    def public(self) -> dict[str, Any]:
        """The result of the item; nothing in it is personal."""
        return {
            "schemes": [e.public() for e in self.endings],
            "from": self.endings[0].from_month,
            "owed": format_yuan(self.owed),
            "overpaid": format_yuan(self.overpaid),
            "explanation": [e.explain() for e in self.endings],
        }


def stop(running: Sequence[Running], died_on: date, birth: date | None, policy: Policy, region: str) -> Stop:
    """Everything on the roll ends when policy says after a death; only what is paid in cash can be owed."""
    after = int(policy.find(f"{RULE}.months_after_death", region, died_on).value)
    cash = policy.find(f"{RULE}.cash_schemes", region, died_on).value
    return Stop(
        tuple(
            end_with_death(b, died_on, after, _amounts(b, died_on, birth, policy, region), in_cash=b.scheme in cash)
            for b in running
        )
    )


def restored(
    running: Sequence[Running], on: date, birth: date | None, policy: Policy, region: str
) -> tuple[Restoring, ...]:
    """Everything that a death ended runs again, once the death proved not to be so."""
    cash = policy.find(f"{RULE}.cash_schemes", region, on).value
    return tuple(restore(b, on, _amounts(b, on, birth, policy, region), in_cash=b.scheme in cash) for b in running)


def _amounts(
    benefit: Running, until: date, birth: date | None, policy: Policy, region: str
) -> Callable[[str], Decimal] | None:
    """The tiers, where they explain what the roll pays: a birthday in the unpaid months then counts."""
    if benefit.scheme != SCHEME or birth is None:
        return None
    try:
        terms = terms_for(policy, region, month_of(until))
    except PolicyMissing:  # the roll alone says what is paid there
        return None
    known = benefit.paid_through or benefit.since
    if known is None or monthly(birth, min(known, month_of(until)), terms) != benefit.monthly:
        return None
    return lambda month: monthly(birth, min(month, month_of(until)), terms)
