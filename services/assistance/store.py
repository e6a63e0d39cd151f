"""What is read from the rows that decisions in force left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from services.assistance.tables import SCHEMA
from shared.money import format_yuan, from_fen

_LISTS = {
    "stops": ("stop", "scheme, from_month, monthly_fen, owed_fen, overpaid_fen, state", "scheme, id"),
    "settlements": ("settlement", "kind, amount_fen, lines, state", "kind"),
    "household_reviews": (
        "household_review",
        "due, state, members_before, members_after, before_fen, after_fen, from_month, heard_at, decided_at, law",
        "due",
    ),
    "relief": ("relief", "hardship_type, occurred_on, amount_fen, granted_at", "item_id"),
}


async def effects(conn: Any, item_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """What an item's decision in force brought about, money as texts in yuan."""
    found = {}
    for name, (table, columns, order) in _LISTS.items():
        rows = await conn.fetch(f"SELECT {columns} FROM {SCHEMA}.{table} WHERE item_id = $1 ORDER BY {order}", item_id)
        found[name] = [_shown(row) for row in rows]
    return found


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_column(name, value) for name, value in dict(row).items())


def _column(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith("_fen"):
        return name.removesuffix("_fen"), None if value is None else format_yuan(from_fen(value))
    return name, orjson.loads(value) if name == "lines" and isinstance(value, str | bytes) else value
