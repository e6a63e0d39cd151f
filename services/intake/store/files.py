"""What is read of files, and that one was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from services.intake.domain.files import File

if TYPE_CHECKING:
    from shared.runtime.spec import ServiceHandle

_READING = """
INSERT INTO intake.audit (at, actor, action, kind, aggregate_id, version, detail)
VALUES ($1, $2, 'reading', 'file', $3, $4, $5::jsonb)
"""


async def found(handle: ServiceHandle, ids: Sequence[UUID]) -> dict[UUID, File]:
    """The files of these ids that there are."""
    async with handle.read() as conn:
        rows = await conn.fetch("SELECT id, body FROM intake.file WHERE id = ANY($1::uuid[])", list(ids))
    return {UUID(str(row["id"])): File.model_validate_json(row["body"]) for row in rows}


async def waiting(handle: ServiceHandle, owner: str) -> int:
    """How many files of an account no application has taken yet."""
    sql = "SELECT count(*) FROM intake.file WHERE owner = $1 AND case_id IS NULL AND state <> 'gone'"
    async with handle.read() as conn:
        return int(await conn.fetchval(sql, owner))


async def note_reading(handle: ServiceHandle, who: str, file: File, detail: Mapping[str, Any]) -> None:
    """One audit row: who was shown which file, of which case, on what ground."""
    async with handle.write(who) as conn:
        text = orjson.dumps(dict(detail)).decode()
        await conn.execute(_READING, handle.clock.now(), who, str(file.id), file.version, text)
