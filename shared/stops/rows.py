"""The rows of what a death ended: a stop a benefit, a settlement a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from shared.handling.model import Item, Work
from shared.messages import derived_id
from shared.money import to_fen
from shared.roll import Ending


class Ended(Protocol):
    """All that ends with one death; yuan owed to the heir, and paid for months after it."""

    @property
    def endings(self) -> tuple[Ending, ...]:
        """Each benefit that ends."""

    @property
    def owed(self) -> Decimal:
        """Yuan due through the month of death and not yet paid."""

    @property
    def overpaid(self) -> Decimal:
        """Yuan paid for months after the death."""


def stop_row(item: Item, ending: Ending, number: int, now: datetime, state: str = "in_force") -> dict[str, Any]:
    """A benefit ended by a death; `number` counts the item's endings."""
    return {
        "id": derived_id(item.id, "stop", number),
        "item_id": item.id,
        "person_ref": item.person_ref,
        "scheme": ending.scheme,
        "region": item.region,
        "from_month": ending.from_month,
        "monthly_fen": to_fen(ending.monthly),
        "owed_fen": to_fen(ending.owed),
        "overpaid_fen": to_fen(ending.overpaid),
        "stopped_at": now,
        "state": state,
    }


def settlement_row(
    item: Item,
    kind: str,
    amount: Decimal,
    lines: Sequence[Mapping[str, Any]],
    state: str,
    now: datetime,
    by: str | None = None,
) -> dict[str, Any]:
    """One sum that follows a stop; an item has at most one of a kind."""
    return {
        "id": derived_id(item.id, "settlement", kind),
        "item_id": item.id,
        "person_ref": item.person_ref,
        "region": item.region,
        "kind": kind,
        "amount_fen": to_fen(amount),
        "lines": list(lines),
        "state": state,
        "decided_by": by,
        "at": now,
    }


def owed_row(found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What is owed to the heir, as it stands."""
    return settlement_row(work.item, "owed", found.owed, owed_lines(found), state, at, by)


def overpaid_row(found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What was paid for months after the death, as it stands."""
    lines = [{"scheme": e.scheme, "months": list(e.overpaid_months)} for e in found.endings if e.overpaid]
    return settlement_row(work.item, "overpaid", found.overpaid, lines, state, at, by)


def owed_lines(found: Ended) -> list[dict[str, Any]]:
    """Which months of which scheme are owed."""
    return [{"scheme": e.scheme, "months": list(e.owed_months)} for e in found.endings if e.owed]
