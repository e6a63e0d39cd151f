"""The one port by which people are told something: messages in, what became of each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Way(StrEnum):
    """How a person is reached: 短信, 语音, 信件, or a village worker who goes there."""

    TEXT = "text"
    VOICE = "voice"
    LETTER = "letter"
    VILLAGE_TASK = "village_task"


class Fate(StrEnum):
    """What became of a message: it went out, it was turned down for good, or it still waits."""

    SENT = "sent"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message. `id` is its idempotency key: the same id is the same message, however often it is handed over.

    `to` is a telephone number, or nothing where the way needs none that is known here (a letter, a village worker).
    """

    id: UUID
    way: Way
    to: str | None
    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a provider said of one message, with its own number."""

    fate: Fate
    provider: str = ""
    provider_no: str | None = None


class Messenger(Protocol):
    """Sends messages in batches. It may block on the network for as long as its own time limit says."""

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Sent]:
        """One fate a message, in their order; raises anything when it cannot be reached: then all of them wait."""
