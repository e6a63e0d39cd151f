"""Whether every version of every aggregate has its audit row; what is gone for good asks for none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from shared.audit.heads import Wrong
from shared.db.documents import qualified

if TYPE_CHECKING:
    from shared.changes import Kind
    from shared.delivery.service import RunningService

MOST = 20
SECONDS, TELL_SECONDS = 600.0, 5.0
_UNCOVERED = """
SELECT t.id::text AS id, t.version, coalesce(a.n, 0) AS n, coalesce(a.last, 0) AS last
FROM {table} t LEFT JOIN (
    SELECT aggregate_id, count(DISTINCT version) AS n, max(version) AS last FROM {audit}
    WHERE kind = $1 AND version > 0 AND action NOT IN ('reading', 'list') GROUP BY aggregate_id
) a ON a.aggregate_id = t.id::text
WHERE coalesce(a.n, 0) <> t.version OR coalesce(a.last, 0) <> t.version
ORDER BY t.id LIMIT {most}
"""


async def uncovered(service: RunningService) -> AsyncIterator[Wrong | None]:
    """The aggregates whose versions 1 to their present one have not each a row: the first ones of each kind; None
    every few seconds while the database works it out."""
    for kind in service.spec.kinds:
        looking = asyncio.create_task(_rows(service, kind))
        try:
            while not (await asyncio.wait({looking}, timeout=TELL_SECONDS))[0]:
                yield None
        finally:
            looking.cancel()
        for row in looking.result():
            yield (
                "STATE_NOT_COVERED",
                f"{kind.name} {row['id']}",
                f"{kind.name} {row['id']} 现为第 {row['version']} 版,审计中有 {row['n']} 版",
                f"{kind.name} {row['id']} is at version {row['version']}, the audit knows {row['n']} of them",
            )


async def _rows(service: RunningService, kind: Kind[Any]) -> list[Any]:
    sql = _UNCOVERED.format(table=qualified(kind.table), audit=qualified(service.spec.delivery.audit), most=MOST)
    async with service.read() as conn:
        return list(await conn.fetch(sql, kind.name, timeout=SECONDS))
