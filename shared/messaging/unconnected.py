"""Where nobody is connected who could send: every message waits, visibly."""

from __future__ import annotations

from collections.abc import Sequence

from shared.messaging.port import Fate, Outgoing, Sent


class Unconnected:
    """A `Messenger` that sends nothing and says so."""

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Sent]:
        """They wait, one and all."""
        return [Sent(Fate.WAITING)] * len(messages)
