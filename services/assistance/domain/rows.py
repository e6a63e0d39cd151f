"""The rows that a decision in force leaves behind."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.assistance.domain.benefit_stop import Reassessment
from services.assistance.domain.temporary import Hardship
from shared.handling.model import Item
from shared.money import to_fen


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
