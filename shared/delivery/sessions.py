"""A service's local copy of sessions that ended before their time: rows fed by `SessionsEnded`, known in each process.

Each event reaches one copy of a service only, the rows all of them, as with the units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.catalog.protocol import SessionsEnded
from shared.clock import SystemClock
from shared.delivery.copies import LocalCopy

if TYPE_CHECKING:
    from shared.db.site import Site
    from shared.http.ended import EndedSessions
    from shared.spec import ServiceSpec


class LocalSessions(LocalCopy):
    """The ended sessions as this service knows them, by the machine's clock."""

    def __init__(self, site: Site, spec: ServiceSpec, ended: EndedSessions) -> None:
        super().__init__(site, spec, spec.delivery.ended, "sessions")
        self._ended, self._clock = ended, SystemClock()

    async def load(self) -> None:
        """Reads the table into memory."""
        async with self._db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(f"SELECT session, until FROM {self._table} WHERE until > $1", self._clock.now())
        self._ended.add((row["session"], row["until"]) for row in rows)

    async def apply(self, told: Sequence[SessionsEnded]) -> None:
        """Keeps what was told, and forgets what no token is left of; once or often is the same."""
        now = self._clock.now()
        found = {session: event.until for event in told for session in event.sessions if event.until > now}
        if not found:
            return
        async with self._db.transaction(self._role) as conn:
            await conn.execute(f"DELETE FROM {self._table} WHERE until <= $1", now)
            await conn.execute(
                f"INSERT INTO {self._table} (session, until) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])"
                " ON CONFLICT DO NOTHING",
                list(found),
                list(found.values()),
            )
        self._ended.add(found.items())
        await self._tell_others()
