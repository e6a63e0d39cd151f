"""How far a service's database has applied the bus, where the bus is elsewhere: kept with the state, before the bus is told.

So a database that was put back to an earlier moment says so by itself: the bus is ahead of it, and reads on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.bus.port import TopicPartition
from shared.db.documents import qualified
from shared.db.engine import role_of

if TYPE_CHECKING:
    from shared.delivery.service import RunningService


class Reached:
    """The positions of one service's own group, in its own schema."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._table = qualified(service.spec.delivery.position)

    async def known(self, bus: str) -> Mapping[TopicPartition, int]:
        """Everything known of a bus."""
        async with self._service.read() as conn:
            rows = await conn.fetch(f"SELECT topic, partition, position FROM {self._table} WHERE bus = $1", bus)
        return {(row["topic"], row["partition"]): row["position"] for row in rows}

    async def keep(self, bus: str, reached: Mapping[TopicPartition, int], *, anew: bool = False) -> None:
        """Remembers, durably, what was reached; `anew` also where that lies before."""
        if not reached:
            return
        then = "EXCLUDED.position" if anew else "greatest(p.position, EXCLUDED.position)"
        async with self._service.db.transaction(role_of(self._service.spec.name)) as conn:
            await conn.execute(
                f"INSERT INTO {self._table} AS p (bus, topic, partition, position)"
                " SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])"
                f" ON CONFLICT (bus, topic, partition) DO UPDATE SET position = {then}",
                bus,
                [topic for topic, _ in reached],
                [partition for _, partition in reached],
                list(reached.values()),
            )
