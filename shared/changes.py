"""What a pure handler is given and what it gives back.

A handler is `(state | None, message, ctx) -> Changes`. It does no I/O, reads no clock and makes no id: `ctx` brings
the time, the keys of its own service, its policy and the catalogue. The unit of work turns `Changes` into rows, in
one transaction with the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.messages import Envelope, Message
from shared.release import FIRST, Release

if TYPE_CHECKING:
    from sqlalchemy import Table

    from shared.catalog.registry import Catalog
    from shared.crypto import Keyring


class State(BaseModel):
    """Base of every aggregate's state.

    `version` is the row's own (for `min_version` and 409). `out` counts each stream this aggregate has written and
    `seen` the last version it has applied of each stream it reads, both keyed `topic/aggregate_id`.
    """

    model_config = ConfigDict(validate_assignment=False, extra="forbid")

    id: UUID
    version: int = 0
    out: dict[str, int] = Field(default_factory=dict)
    seen: dict[str, int] = Field(default_factory=dict)


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Kind(Generic[S]):
    """How one kind of aggregate is stored: its model, its table, and the columns promoted for lookups.

    `since` is the release that last changed what is stored (the model, or one of `beside`: what its units of work write
    into other tables as JSON). It stands on every row: a copy of an older release leaves the row to a newer one.
    """

    name: str
    model: type[S]
    table: Table
    columns: Callable[[S], Mapping[str, Any]] = lambda _: {}
    since: Release = FIRST
    beside: tuple[type[BaseModel], ...] = ()


@dataclass(frozen=True, slots=True)
class Emit:
    """One message out, on the stream (`topic`, `aggregate_id`); `key` (the case) decides the partition."""

    topic: str
    aggregate_id: str
    message: Message
    key: str
    case_id: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a source outside; the answer comes back to this aggregate once, as a local message.

    `name` is unique within the aggregate (asking the same name again is the same ask). `question` is sealed at rest.
    `effect` says that performing it twice would matter: it is queried before it is repeated.
    """

    name: str
    source: str
    question: Mapping[str, Any]
    effect: bool = False


@dataclass(frozen=True, slots=True)
class CancelAsk:
    """An open question is no longer of interest."""

    name: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """A local message `name` comes back to this aggregate once, when business time reaches `due_at`."""

    name: str
    due_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """A timer that is no longer wanted."""

    name: str


@dataclass(frozen=True, slots=True)
class Put:
    """One row of this service's own tables, inserted, or replaced by its primary key (`upsert`) if it is there."""

    table: Table
    values: Mapping[str, Any]
    upsert: bool = False


@dataclass(slots=True)
class Changes(Generic[S]):
    """All that follows from one message, committed together with the new state."""

    state: S
    emits: list[Emit] = field(default_factory=list)
    asks: list[Ask | CancelAsk] = field(default_factory=list)
    timers: list[SetTimer | CancelTimer] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said to an ask: `status` confirmed, contradicted or silent, with the source's own number.

    `data` holds what it knows (personal: sealed wherever it rests).
    """

    name: str
    status: str
    data: Mapping[str, Any]
    source: str
    source_no: str | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """A fired timer, as the handler sees it."""

    name: str
    data: Mapping[str, Any]


class Units(Protocol):
    """The service's local copy of the tree of units."""

    def get(self, code: str, on: datetime | None = None) -> Mapping[str, Any] | None:
        """The unit's row, or None."""

    def chain(self, code: str) -> list[str]:
        """The unit and those above it, nearest first."""

    def all(self) -> Iterable[Mapping[str, Any]]:
        """Every unit."""


@dataclass(frozen=True, slots=True)
class Ctx:
    """The world as one handler call may see it."""

    service: str
    now: datetime
    keyring: Keyring
    catalog: Catalog
    policy: Any
    units: Units
    envelope: Envelope | None = None
    actor: str = "system"


Handler = Callable[[Any, Any, Ctx], Changes[Any]]
"""`(state | None, Message | Answer | Timer | command, ctx) -> Changes`; may raise `Poison` for what cannot be."""
