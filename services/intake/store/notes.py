"""One audit row for what a worker did to many rows at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import asyncpg

    from shared.delivery.service import RunningService

_NOTE = """
INSERT INTO intake.audit (at, actor, action, kind, aggregate_id, version, detail)
VALUES ($1, 'system', $2, 'batch', '', 0, $3::jsonb)
"""


async def note_batch(service: RunningService, conn: asyncpg.Connection, action: str, detail: Mapping[str, Any]) -> None:
    """Notes a batch in the transaction that did it."""
    await conn.execute(_NOTE, service.clock.now(), action, orjson.dumps(dict(detail)).decode())
