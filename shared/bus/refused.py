"""What the bus did not take: rows of an outbox that stand aside, in order, while other keys go on.

A row that the bus refuses (it is too large for the topic) would stop everything behind it. It stays in the outbox with
the reason, and with it everything later of its topic and key, so that nothing overtakes; the relay tries again at each
start and every ten minutes, so that it goes on by itself once the topic takes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from shared.clock import monotonic
from shared.errors import Unpublishable

if TYPE_CHECKING:
    from shared.db.site import Site

log = structlog.get_logger("onewindow.outbox")
AGAIN_SECONDS = 600.0
BEHIND = "BEHIND: 同一办件前面的一条未能发出 / an earlier one of its key was not taken"
_ROWS = "seq, topic, partition, key, headers, data"

Send = Callable[[Sequence[Any]], Awaitable[None]]


class Outbox:
    """One service's outbox as its relay sees it: `oldest` first, what was refused aside."""

    def __init__(self, site: Site, schema: str) -> None:
        self._site, self._schema = site, schema
        self._table = f'"{schema}".outbox'
        self._tried: float | None = None

    async def oldest(self, most: int) -> list[Any]:
        """The oldest rows; each says whether one of its topic and key before it was refused."""
        async with self._site.db.connection() as conn:
            return list(
                await conn.fetch(
                    f"SELECT {_ROWS}, EXISTS (SELECT FROM {self._table} r WHERE r.refused IS NOT NULL"
                    f" AND r.topic = o.topic AND r.key = o.key) AS behind"
                    f" FROM {self._table} o WHERE refused IS NULL ORDER BY seq LIMIT $1",
                    most,
                )
            )

    async def remove(self, rows: Sequence[Any]) -> None:
        """Lets published rows go."""
        async with self._site.db.transaction() as conn:
            # A removal that a crash undoes costs a repetition, so it need not wait for the disk.
            await conn.execute("SET LOCAL synchronous_commit = off")
            await conn.execute(f"DELETE FROM {self._table} WHERE seq = ANY($1)", [row["seq"] for row in rows])

    async def set_aside(self, rows: Sequence[Any], reason: str) -> None:
        """Has rows stand aside, before anything later of their keys is sent."""
        if rows:
            async with self._site.db.transaction() as conn:
                await conn.execute(
                    f"UPDATE {self._table} SET refused = $2 WHERE seq = ANY($1)", [row["seq"] for row in rows], reason
                )

    async def one_by_one(self, rows: Sequence[Any], send: Send) -> list[Any]:
        """Sends each row alone, in order; those that went. What is refused stands aside with all behind it."""
        held: set[tuple[str, str]] = set()
        gone = []
        for row in rows:
            where = (row["topic"], row["key"])
            if where in held:
                await self.set_aside([row], BEHIND)
                continue
            try:
                await send([row])
            except Unpublishable as cause:
                held.add(where)
                await self.set_aside([row], str(cause))
                log.error("message_refused", service=self._schema, topic=row["topic"], reason=str(cause))  # noqa: TRY400
            else:
                gone.append(row)
        return gone

    async def again(self, send: Send) -> int:
        """Tries once more what was refused, where it is time; how many went."""
        if self._tried is not None and monotonic() - self._tried < AGAIN_SECONDS:
            return 0
        self._tried = monotonic()
        async with self._site.db.connection() as conn:
            rows = await conn.fetch(f"SELECT {_ROWS} FROM {self._table} WHERE refused IS NOT NULL ORDER BY seq")
        gone = await self.one_by_one(rows, send)
        if gone:
            await self.remove(gone)
            log.info("refused_messages_went", service=self._schema, records=len(gone))
        return len(gone)
