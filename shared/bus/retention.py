"""The embedded log lets go of what was kept for its time, as a broker does: sealed parts are not kept for good."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from shared.errors import Transient

if TYPE_CHECKING:
    from shared.catalog.model import TopicEntry
    from shared.db.engine import Database
    from shared.db.site import Site

log = structlog.get_logger("onewindow.retention")
LOOK_SECONDS = 3600.0
MOST = 1000
"""Records let go in one transaction."""

# Only from the beginning, and nothing that a group has yet to read: a service that was away for long loses nothing.
# Dead letters no group reads.
_LET_GO = """
WITH head AS (SELECT "offset", appended_at FROM bus.record WHERE topic = $1 AND partition = $2
        AND ($5 OR "offset" < (SELECT coalesce(min(c.position), 0) FROM bus.cursor c
            WHERE c.topic = $1 AND c.partition = $2))
        ORDER BY "offset" LIMIT $4),
    young AS (SELECT min("offset") AS first FROM head WHERE appended_at >= clock_timestamp() - $3::interval)
DELETE FROM bus.record r USING head h, young y WHERE r.topic = $1 AND r.partition = $2 AND r."offset" = h."offset"
    AND (y.first IS NULL OR h."offset" < y.first)
"""


async def retain(site: Site, topics: Sequence[TopicEntry]) -> None:
    """Lets go every hour, in one process, for ever."""
    while True:
        try:
            if await site.presence.claim("bus.retention") and (gone := await let_go(site.db, topics)):
                log.info("records_let_go", records=gone)
        except Transient as cause:
            log.info("retention_put_off", cause=cause.code)
        await asyncio.sleep(LOOK_SECONDS)


async def let_go(db: Database, topics: Sequence[TopicEntry]) -> int:
    """Removes what is older than its topic keeps and was read by every group; how many records."""
    gone = 0
    for topic in topics:
        for partition in range(topic.partitions if topic.days is not None else 0):
            gone += await _let_go(db, topic, partition)
    return gone


async def _let_go(db: Database, topic: TopicEntry, partition: int) -> int:
    gone, kept = 0, timedelta(days=topic.days or 0)
    while True:
        async with db.connection() as conn:
            done = int((await conn.execute(_LET_GO, topic.name, partition, kept, MOST, topic.dead)).rpartition(" ")[2])
        gone += done
        if done < MOST:
            return gone
