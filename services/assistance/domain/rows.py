"""The rows that a decision in force leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.assistance.domain.benefit_stop import Reassessment
from services.assistance.domain.temporary import Hardship
from shared.handling.model import Item
from shared.messages import derived_id
from shared.money import to_fen
from shared.roll import Ending


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


def review_row(item: Item, found: Reassessment, due: date, law: str) -> dict[str, Any]:
    """A household review that is open: nothing is decided by it yet."""
    return {
        "item_id": item.id,
        "case_id": item.case_id,
        "person_ref": item.person_ref,
        "region": item.region,
        "due": due,
        "state": "open",
        "members_before": found.members_before,
        "members_after": found.members_after,
        "before_fen": to_fen(found.before),
        "after_fen": None,
        "from_month": None,
        "heard_at": None,
        "decided_by": None,
        "decided_at": None,
        "law": law,
    }


def relief_row(item: Item, hardship: Hardship, amount: Decimal, now: datetime) -> dict[str, Any]:
    """Temporary relief granted."""
    return {
        "item_id": item.id,
        "person_ref": item.person_ref,
        "region": item.region,
        "hardship_type": hardship.kind,
        "occurred_on": hardship.occurred_on,
        "amount_fen": to_fen(amount),
        "granted_at": now,
    }
