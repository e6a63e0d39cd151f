"""A site: one database that this process works on, and its presence there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from shared.db.engine import Database
from shared.db.presence import Presence


@dataclass(frozen=True)
class Site:
    """Services of one database share its pool and are seen by other processes as one member."""

    db: Database
    presence: Presence

    @classmethod
    def at(cls, dsn: str, pool_size: int) -> Self:
        """The site at an address, not yet opened."""
        db = Database(dsn, pool_size)
        return cls(db, Presence(db))

    async def open(self) -> None:
        """Connects and shows itself; raises `Transient` while the database does not answer."""
        await self.db.open()
        await self.presence.start()

    async def close(self) -> None:
        """Gives up whatever is held there; a site that was never opened has nothing to give up."""
        await self.presence.stop()
        await self.db.close()
