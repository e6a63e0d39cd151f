"""The rows that a decision in force leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.elderly.domain.grant import SCHEME
from shared.handling.model import Item
from shared.messages import derived_id
from shared.money import to_fen
from shared.roll import Ending


def benefit_row(item: Item, monthly: Decimal, from_month: str, now: datetime) -> dict[str, Any]:
    """An allowance granted."""
    return {
        "id": item.id,
        "person_ref": item.person_ref,
        "scheme": SCHEME,
        "region": item.region,
        "monthly_fen": to_fen(monthly),
        "from_month": from_month,
        "granted_at": now,
    }


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
