"""What is read of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from services.intake.tables import FILE
from shared.db.documents import shown

if TYPE_CHECKING:
    from services.intake.domain.files import File
    from shared.spec import ServiceHandle


async def found(handle: ServiceHandle, ids: Sequence[UUID]) -> dict[UUID, File]:
    """The files of these ids that there are."""
    async with handle.read() as conn:
        rows = await conn.fetch("SELECT id, body, release FROM intake.file WHERE id = ANY($1::uuid[])", list(ids))
    return {UUID(str(row["id"])): shown(FILE, row) for row in rows}


async def waiting(handle: ServiceHandle, owner: str) -> int:
    """How many files of an account no application has taken yet."""
    sql = "SELECT count(*) FROM intake.file WHERE owner = $1 AND case_id IS NULL AND state <> 'gone'"
    async with handle.read() as conn:
        return int(await conn.fetchval(sql, owner))
