"""What the marriage service reads of its own rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.spec import ServiceHandle

_OF_ITEM = "SELECT * FROM marriage.annotation WHERE item_id = $1 ORDER BY annotated_at DESC LIMIT 1"


async def annotation_of(handle: ServiceHandle, item_id: UUID) -> dict[str, Any] | None:
    """The last annotation that an item led to, as its row, or None."""
    async with handle.read() as conn:
        row = await conn.fetchrow(_OF_ITEM, item_id)
    return dict(row) if row else None
