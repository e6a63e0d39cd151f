"""Which sessions ended before their time: their tokens are refused until they would have ended by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from shared.clock import Clock, SystemClock


class EndedSessions:
    """What a process knows of ended sessions, fed by each service's own copy; forgotten once no token can be left."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._until: dict[UUID, datetime] = {}

    def __contains__(self, session: object) -> bool:
        return session in self._until

    def add(self, ended: Iterable[tuple[UUID, datetime]]) -> None:
        """Refuses the tokens of these sessions until then, by the machine's clock."""
        now = self._clock.now()
        self._until = {s: until for s, until in {**self._until, **dict(ended)}.items() if until > now}
