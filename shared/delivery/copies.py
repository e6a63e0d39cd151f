"""A table of a service that each of its processes holds in memory.

An event reaches one copy of a service only; the rows it becomes reach all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.delivery.waiting import wait_for

if TYPE_CHECKING:
    from sqlalchemy import Table

    from shared.db.site import Site
    from shared.spec import ServiceSpec

LOOK_SECONDS = 10.0
"""Real time after which a copy looks by itself: a notice may be lost."""


class LocalCopy:
    """The rows as this process knows them; `load` reads them anew."""

    def __init__(self, site: Site, spec: ServiceSpec, table: Table, word: str) -> None:
        self._db, self._presence = site.db, site.presence
        self._role = role_of(spec.name)
        self._table = qualified(table)
        self._word = f"{word}.{spec.name}"
        self._news = asyncio.Event()

    async def load(self) -> None:
        """Reads the table into memory."""
        raise NotImplementedError

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

    async def _tell_others(self) -> None:
        await self._presence.tell([self._word])
