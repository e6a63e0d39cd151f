"""Providers of messages and seals as an installation may plug in, which fail when a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messaging.port import Fate, Outgoing, Sent
from shared.messaging.unconnected import Unconnected
from shared.seals import NoSeals, SealMark, ToSeal


class FlakyMessenger:
    """Fails the first `failures` times; what it was given stands in `given`."""

    def __init__(self, settings: Any) -> None:
        self.failures = 1
        self.given: list[Outgoing] = []

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Sent]:
        self.given += messages
        if self.failures:
            self.failures -= 1
            raise ConnectionError("planted")
        return [Sent(Fate.SENT, "flaky", "F-1")] * len(messages)


class SealsOutside:
    """A seal service somewhere else, away the first time it is asked."""

    at_hand = False

    def __init__(self, settings: Any) -> None:
        self.away = 1
        self.given: list[ToSeal] = []

    async def seal(self, papers: Sequence[ToSeal]) -> Sequence[SealMark | None]:
        self.given += papers
        if self.away:
            self.away -= 1
            raise ConnectionError("planted")
        return [SealMark("outside", f"S-{paper.digest[:8]}") for paper in papers]


def nobody(settings: Any) -> Unconnected:
    """No messenger at all."""
    return Unconnected()


def no_seals(settings: Any) -> NoSeals:
    """No seals at all."""
    return NoSeals()
