"""News: what happened in a process that a service's workers wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from shared.delivery.asks import Open


@dataclass
class News:
    """What happened in this process that a worker waits for."""

    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    timers: asyncio.Event = field(default_factory=asyncio.Event)
    asks: asyncio.Event = field(default_factory=asyncio.Event)
    rows: asyncio.Event = field(default_factory=asyncio.Event)
    """Rows of the service's own tables were written."""
    audit: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Open] = field(default_factory=list)
    in_doubt: bool = False
    """A unit with questions may be committed though its connection broke: they may wait here, unknown to anybody."""

    def doubt(self) -> None:
        """The worker of the asks looks also for what was leased to this process."""
        self.in_doubt = True
        self.asks.set()

    def take_doubt(self) -> bool:
        """Whether there was doubt since the last look."""
        taken, self.in_doubt = self.in_doubt, False
        return taken

    def take_asked(self) -> list[Open]:
        """The questions written and leased in this process since the last look."""
        taken, self.asked = self.asked, []
        return taken
