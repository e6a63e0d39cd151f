"""One member of a group on the embedded bus: what it owns, what was handed to it, what it must read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from shared.bus import embedded_sql as sql
from shared.bus.leases import Leases
from shared.bus.port import Lost, Record, TopicPartition
from shared.db.engine import Database

if TYPE_CHECKING:
    import asyncpg

    from shared.bus.embedded import EmbeddedBus

MOST_OFFERED = 1000
"""Records held in memory for one partition; what is beyond is read from the log when its turn comes."""


def to_record(row: Any) -> Record:
    """A row of the log as a record."""
    topic, partition, offset, key, headers, data = row
    return Record(topic, partition, offset, key, orjson.loads(headers), data)


class EmbeddedSubscription:
    """One member of a group on the embedded bus.

    Records that this process appended are handed over in memory as long as they follow on from what is there;
    whatever does not (another process's, one that overtook another on its way here) is read from the log.
    """

    def __init__(self, bus: EmbeddedBus, db: Database, group: str, topics: Sequence[str]) -> None:
        self._bus = bus
        self._db = db
        self._topics = tuple(topics)
        self._leases = Leases(db, group, self._topics, bus.presence)
        self._next: dict[TopicPartition, int] = {}
        self._offered: dict[TopicPartition, list[Record]] = {}
        self._unread: set[TopicPartition] = set()
        self._news = asyncio.Event()

    def offer(self, records: Sequence[Record]) -> None:
        """Committed records of this process, in the order of their commits as far as it is known."""
        for record in records:
            if record.at not in self._next:
                continue
            offered = self._offered.setdefault(record.at, [])
            expected = self._next[record.at] + len(offered)
            if record.offset == expected and len(offered) < MOST_OFFERED:
                offered.append(record)
                self._news.set()
            elif record.offset >= expected:
                self._unread.add(record.at)
                self._news.set()

    def wake(self, topics: Sequence[str]) -> None:
        """There may be records on these topics."""
        mine = {at for at in self._next if at[0] in topics}
        if mine:
            self._unread |= mine
            self._news.set()

    def lost(self) -> list[Lost]:
        """Nothing ever: the log lets go of nothing that a group has yet to read."""
        return []

    def rewind(self) -> None:
        """The next fetch starts at the stored positions, with leases taken anew."""
        self._leases.forget()
        self._next.clear()
        self._offered.clear()
        self._unread.clear()
        self._news.set()

    async def fetch(self, most: int, timeout: float) -> list[Record]:
        """Records of the owned partitions; waits for news, looks at everything once a timeout."""
        await self._renew()
        if not self._unread and not any(self._offered.values()):
            self._news.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._news.wait()
            except TimeoutError:
                self._unread = set(self._next)
        if self._unread:
            await self._read(most)
        return self._take(most)

    async def _renew(self) -> None:
        owned = await self._leases.renew()
        if owned is None:
            return
        self._bus.enter(self)
        for at in set(self._next) - set(owned):
            del self._next[at]
            self._offered.pop(at, None)
            self._unread.discard(at)
        for at, position in owned.items():
            if at not in self._next:
                self._next[at] = position
                self._unread.add(at)

    async def _read(self, most: int) -> None:
        wanted, self._unread = self._unread, set()
        rows = await self._rows([(*at, self._next[at]) for at in wanted if at in self._next], most)
        read: dict[TopicPartition, list[Record]] = {at: [] for at in wanted}
        for row in rows:
            record = to_record(row)
            read[record.at].append(record)
        for at, part in read.items():
            # What was handed over while the query ran may be later than what the query saw.
            if any(record.offset >= self._next.get(at, 0) + len(part) for record in self._offered.get(at, ())[-1:]):
                self._unread.add(at)
            self._offered[at] = part
        self._unread |= {at for at in wanted if len(self._offered[at]) >= most}

    async def _rows(self, wanted: list[tuple[str, int, int]], most: int) -> list[asyncpg.Record]:
        if not wanted:
            return []
        async with self._db.connection() as conn:
            return list(await conn.fetch(sql.FETCH, *map(list, zip(*wanted, strict=True)), most))

    def _take(self, most: int) -> list[Record]:
        parts = [part for part in self._offered.values() if part]
        self._bus.mix(parts)
        taken: list[Record] = []
        for part in parts:
            now = part[: most - len(taken)]
            del part[: len(now)]
            taken += now
        for record in taken:
            self._next[record.at] = record.offset + 1
        return taken

    async def commit(self) -> None:
        """Stores positions; raises `Fenced` (and starts again from what is stored) when a lease is gone."""
        await self._leases.commit(self._next)

    def owns(self, at: TopicPartition) -> bool:
        """Whether the lease is this member's, as far as it knows."""
        return at in self._next

    async def seek(self, at: TopicPartition, offset: int) -> int | None:
        """Another position for an owned partition, in a transaction that checks the lease's epoch."""
        before = await self._leases.seek(at, offset)
        if before is not None:
            self._next[at] = offset
            self._offered.pop(at, None)
            self._unread.add(at)
        return before

    async def close(self) -> None:
        """Gives the leases back; a later fetch joins anew, at the stored positions."""
        self._bus.leave(self)
        await self._leases.release()
        self.rewind()
