"""The bus as the platform sees it: a durable log of topics, read by groups that own partitions by lease.

`publish` returns when the records are durable, never after somebody handled them. A subscription gives records of
the partitions it owns, in offset order within a partition; a position says which record of a partition comes next.
Only `commit` moves a group's position, and only for a lease that still holds; delivery may repeat, never skip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from shared.catalog.model import TopicEntry
from shared.errors import Transient, Undecodable
from shared.messages import Envelope, from_attributes

if TYPE_CHECKING:
    import asyncpg

    from shared.db.site import Site

TopicPartition = tuple[str, int]


def outbox_word(schema: str) -> str:
    """What a process says to the others that left rows in an outbox which another relays."""
    return f"outbox.{schema}"


class Fenced(Transient):
    """Another member owns this partition now: drop what is in hand and join again."""


class Raw(NamedTuple):
    """A record's key and headers as a bus elsewhere gave them; `fault` says why they are no text of ours, if so."""

    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands on the bus; `envelope()` reads it and raises `Undecodable` when it cannot be read.

    `written` is the envelope itself where this process appended it: it need not be read out of the headers again.
    """

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    data: bytes
    raw: Raw | None = field(default=None, compare=False)
    written: Envelope | None = field(default=None, compare=False, repr=False)

    @property
    def at(self) -> TopicPartition:
        """Topic and partition."""
        return self.topic, self.partition

    def envelope(self) -> Envelope:
        """The CloudEvent it carries."""
        if self.raw is not None and self.raw.fault:
            raise Undecodable(f"键或信封不是文本:{self.raw.fault}", f"key or envelope is no text: {self.raw.fault}")
        return self.written or from_attributes(self.topic, self.key, self.headers, self.data)


@dataclass(frozen=True, slots=True)
class Lag:
    """How many records of a partition a group has not yet committed."""

    group: str
    topic: str
    partition: int
    position: int
    end: int

    @property
    def records(self) -> int:
        """Records still to be handled."""
        return self.end - self.position


class Kept(NamedTuple):
    """What a partition holds: the offset of its first record, and the one after its last."""

    begin: int
    end: int


Cause = Literal["let_go", "bus_back", "database_back"]


class Lost(NamedTuple):
    """A partition on which a group cannot go on where the bus says it stands (`position`), but at `begin`.

    `let_go`: the bus no longer keeps what lies between, unread. `bus_back`: it ends before what was read, and gives other
    records under numbers that were read. `database_back`: the database is older than the position.
    """

    at: TopicPartition
    position: int
    begin: int
    cause: Cause = "let_go"

    @property
    def records(self) -> int:
        """How many are gone; 0 where that cannot be told, and where none is."""
        return max(0, self.begin - self.position)


class Positions(Protocol):
    """How far the database of a reader has applied each partition of a bus; never behind what the bus is told."""

    async def known(self, bus: str) -> Mapping[TopicPartition, int]:
        """Everything known of a bus."""

    async def keep(self, bus: str, reached: Mapping[TopicPartition, int], *, anew: bool = False) -> None:
        """Remembers, durably, what was reached; `anew` also where that lies before."""


async def not_reached(
    positions: Positions, bus: str, stored: Mapping[TopicPartition, int], begun: Collection[TopicPartition]
) -> list[Lost]:
    """The partitions of which a database has applied less than the bus was told: it is an older one, put back.

    What it does not know of yet it takes from the bus, and begins anew where the group has just `begun` there.
    """
    known = await positions.known(bus)
    await positions.keep(bus, {at: stored[at] for at in begun}, anew=True)
    await positions.keep(bus, {at: n for at, n in stored.items() if at not in known and at not in begun})
    return [
        Lost(at, position, known[at], "database_back")
        for at, position in stored.items()
        if at not in begun and known.get(at, position) < position
    ]


class Subscription(Protocol):
    """One member of a group."""

    async def fetch(self, most: int, timeout: float) -> list[Record]:
        """Up to `most` records in order, waiting up to `timeout` seconds of real time for the first one."""

    async def commit(self) -> None:
        """Stores the position after everything fetched so far; raises `Fenced` when a lease was lost."""

    def rewind(self) -> None:
        """The next fetch starts again at the stored position."""

    def lost(self) -> list[Lost]:
        """Owned partitions whose position cannot be gone on from: nothing is given until each has another one (`seek`)."""

    def owns(self, at: TopicPartition) -> bool:
        """Whether this member owns the partition, as far as it knows."""

    async def seek(self, at: TopicPartition, offset: int) -> int | None:
        """Makes this the group's position, stored when it returns, and answers the one before.

        Call it between batches, with everything committed: what was fetched is given again from there. None, and
        nothing is moved, while this member does not own the partition; `offset` must be one that the bus keeps.
        """

    async def close(self) -> None:
        """Gives the leases back at once; a later fetch joins anew, at the stored positions."""


class Bus(Protocol):
    """What a bus can do; one conformance suite runs over every bus."""

    async def start(self) -> None:
        """Connects."""

    async def stop(self) -> None:
        """Disconnects; records and positions stay."""

    async def declare(self, topics: Sequence[TopicEntry]) -> None:
        """Makes missing topics; raises `Misconfigured` when one exists with another partition count."""

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Appends records in order; durable when it returns."""

    def subscribe(self, group: str, topics: Sequence[str], positions: Positions | None = None) -> Subscription:
        """Joins a group; the first position of a new group is the beginning.

        With `positions` nothing is passed over where the database is older than the bus (see `Subscription.lost`).
        """

    async def append(self, conn: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Record] | None:
        """Where log and state share a database: appends outbox rows in the caller's own transaction.

        None where they do not: the rows go to the outbox, and the relay moves them.
        """

    def appended(self, records: Sequence[Record]) -> None:
        """What `append` gave is committed: readers may have it."""

    async def relay(self, site: Site, schema: str, most: int) -> int:
        """Moves up to `most` rows of the outbox of a schema at a site to the bus, oldest first; how many were moved."""

    async def lag(self, group: str | None = None) -> list[Lag]:
        """The lag of one group or of all."""

    async def kept(self, topic: str) -> dict[int, Kept]:
        """What each partition of a topic holds; empty for a topic that is not there."""

    async def read(self, at: TopicPartition, offset: int, most: int) -> list[Record]:
        """Up to `most` records that stand there from an offset on, without a group and without moving anything."""
