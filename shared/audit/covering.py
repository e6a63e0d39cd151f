"""Whether every version of every aggregate has its audit row; what is gone for good asks for none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from shared.audit.heads import Wrong
from shared.db.documents import qualified

if TYPE_CHECKING:
    from shared.runtime.service import RunningService

MOST = 20
SECONDS = 600.0
_UNCOVERED = """
SELECT t.id::text AS id, t.version, coalesce(a.n, 0) AS n, coalesce(a.last, 0) AS last
FROM {table} t LEFT JOIN (
    SELECT aggregate_id, count(DISTINCT version) AS n, max(version) AS last FROM {audit}
    WHERE kind = $1 AND version > 0 AND action NOT IN ('reading', 'list') GROUP BY aggregate_id
) a ON a.aggregate_id = t.id::text
WHERE coalesce(a.n, 0) <> t.version OR coalesce(a.last, 0) <> t.version
ORDER BY t.id LIMIT {most}
"""


async def uncovered(service: RunningService) -> AsyncIterator[Wrong]:
    """The aggregates whose versions 1 to their present one have not each a row: the first ones of each kind."""
    for kind in service.spec.kinds:
        sql = _UNCOVERED.format(table=qualified(kind.table), audit=qualified(service.spec.delivery.audit), most=MOST)
        async with service.read() as conn:
            rows = await conn.fetch(sql, kind.name, timeout=SECONDS)
        for row in rows:
            yield (
                "STATE_NOT_COVERED",
                f"{kind.name} {row['id']}",
                f"{kind.name} {row['id']} 现为第 {row['version']} 版,审计中有 {row['n']} 版",
                f"{kind.name} {row['id']} is at version {row['version']}, the audit knows {row['n']} of them",
            )
