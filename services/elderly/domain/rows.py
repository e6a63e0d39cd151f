"""The rows that a decision in force leaves behind."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from services.elderly.domain.grant import SCHEME
from shared.handling.model import Item
from shared.money import to_fen


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
