"""What of a service's messages the bus did not take, for operators: where to, how large and why, never what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.db.documents import qualified

if TYPE_CHECKING:
    import asyncpg

    from shared.delivery.service import RunningService


class Refused:
    """What of one service's messages stands aside, for operators; never what is in it."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._table = qualified(service.spec.delivery.outbox)
        self.count = 0
        """As seen at the last look."""

    async def look(self) -> int:
        """Counts them."""
        async with self._service.read() as conn:
            self.count = await conn.fetchval(f"SELECT count(*) FROM {self._table} WHERE refused IS NOT NULL")
        return self.count

    async def listing(self, after: int, most: int) -> list[dict[str, Any]]:
        """Where each was to go, how large it is, and why it was not taken; the oldest first."""
        async with self._service.read() as conn:
            rows = await conn.fetch(
                "SELECT seq AS number, topic, partition, key, headers->>'type' AS type, length(data) AS bytes,"
                f" refused AS reason, created_at AS since FROM {self._table}"
                " WHERE refused IS NOT NULL AND seq > $1 ORDER BY seq LIMIT $2",
                after,
                most,
            )
        return [dict(row) for row in rows]

    async def cases(self, conn: asyncpg.Connection) -> list[UUID]:
        """The case of each that was refused, once; the event itself where it is of no case."""
        rows = await conn.fetch(
            "SELECT DISTINCT coalesce(headers->>'caseid', event_id::text) AS case FROM"
            f" {self._table} WHERE refused IS NOT NULL"
        )
        return [UUID(row["case"]) for row in rows]

    def note(self) -> str:
        """A sentence for operators; empty when nothing stands aside."""
        if not self.count:
            return ""
        return f"the bus refuses {self.count} messages, see `onewindow bus refused` 总线拒收 {self.count} 条"
