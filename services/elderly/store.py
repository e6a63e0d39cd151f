"""What is read from the rows that decisions in force left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from services.elderly.tables import SCHEMA
from shared.money import format_yuan, from_fen


async def effects(conn: Any, item_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """What an item's decision in force brought about: stops and settlements, money as texts in yuan."""
    stops = await conn.fetch(
        f"SELECT scheme, from_month, monthly_fen, owed_fen, overpaid_fen, state, region FROM {SCHEMA}.stop"
        " WHERE item_id = $1 ORDER BY scheme, id",
        item_id,
    )
    settlements = await conn.fetch(
        f"SELECT kind, amount_fen, lines, state, region FROM {SCHEMA}.settlement WHERE item_id = $1 ORDER BY kind",
        item_id,
    )
    return {"stops": [_shown(r) for r in stops], "settlements": [_shown(r) for r in settlements]}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_column(name, value) for name, value in dict(row).items())


def _column(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith("_fen"):
        return name.removesuffix("_fen"), format_yuan(from_fen(value))
    return name, orjson.loads(value) if name == "lines" and isinstance(value, str | bytes) else value
