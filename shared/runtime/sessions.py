"""A service's local copy of sessions that ended before their time: rows fed by `SessionsEnded`, known in each process.

Each event reaches one copy of a service only, the rows all of them, as with the units.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.catalog.protocol import SessionsEnded
from shared.clock import SystemClock
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.db.waiting import wait_for

if TYPE_CHECKING:
    from shared.db.site import Site
    from shared.http.ended import EndedSessions
    from shared.runtime.spec import ServiceSpec

LOOK_SECONDS = 10.0
"""Real time after which a copy looks by itself: a notice may be lost."""


class LocalSessions:
    """The ended sessions as this service knows them, by the machine's clock."""

    def __init__(self, site: Site, spec: ServiceSpec, ended: EndedSessions) -> None:
        self._db, self._presence, self._ended = site.db, site.presence, ended
        self._role = role_of(spec.name)
        self._table = qualified(spec.delivery.ended)
        self._word = f"sessions.{spec.name}"
        self._clock = SystemClock()
        self._news = asyncio.Event()

    def listen(self) -> None:
        """From now on hears of what other copies of the service have written."""
        self._presence.listen(self._heard, self._news.set)

    def _heard(self, words: list[str]) -> None:
        if self._word in words:
            self._news.set()

    async def follow(self) -> None:
        """Takes over what other copies have written, for ever."""
        while True:
            await wait_for(self._news, LOOK_SECONDS)
            if not self._presence.alone:
                await self.load()

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
        await self._presence.tell([self._word])
