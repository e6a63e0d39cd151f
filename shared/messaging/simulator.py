"""A simulated messenger: it keeps what it was given, with the number masked, and tells every sender that it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.masking import mask_phone
from shared.messaging.port import Fate, Outgoing, Sent
from shared.messaging.tables import SIMULATED

if TYPE_CHECKING:
    from shared.clock import Clock
    from shared.db.engine import Database

PROVIDER = "simulator"

_KEEP = f"""
INSERT INTO {SIMULATED.fullname} (id, at, way, "to", text, about)
SELECT m.id, $1, m.way, m."to", m.text, m.about
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS m(id, way, "to", text, about)
ON CONFLICT (id) DO NOTHING
"""
_LIST = f'SELECT id, at, way, "to", text, about FROM {SIMULATED.fullname} WHERE about = $1 ORDER BY at, id'


class SimulatedMessages:
    """A `Messenger` over the rows of `messages.simulated`: a message handed over twice is kept once."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Sent]:
        """All of them go out."""
        columns = zip(*((m.id, m.way.value, m.to and mask_phone(m.to), m.text, m.about) for m in messages), strict=True)
        async with self._db.transaction(None) as conn:
            await conn.execute(_KEEP, self._clock.now(), *map(list, columns))
        return [Sent(Fate.SENT, PROVIDER, f"SIM-{str(m.id)[-12:]}") for m in messages]

    async def about(self, what: str) -> list[dict[str, Any]]:
        """What was sent about something (an application's number), oldest first."""
        async with self._db.connection() as conn:
            return [{**row, "at": row["at"].isoformat(), "id": str(row["id"])} for row in await conn.fetch(_LIST, what)]
