"""The embedded bus: a durable log in the platform's own PostgreSQL database, for one machine and several processes.

Offsets are dense: they are given out under the partition's head row, in the transaction that appends. A group's
partitions are owned by lease; the owner's epoch is checked in the transaction that moves a position. A member is
known to be dead at once when its database session ends (it holds an advisory lock), and by its lease when it hangs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from shared.bus import embedded_sql as sql
from shared.bus.leases import Leases
from shared.bus.port import Lag, Record, TopicPartition
from shared.catalog.model import TopicEntry
from shared.db.engine import Database, role_of
from shared.db.presence import Presence
from shared.db.writes import partition_of
from shared.errors import Misconfigured
from shared.failpoints import hit
from shared.messages import Envelope, attributes

MOST_OFFERED = 1000
"""Records held in memory for one partition; what is beyond is read from the log when its turn comes."""

TABLES_LOCK = 7_420_114


class EmbeddedBus:
    """The bus over a database. A unit of work appends in its own transaction, so that the log is its outbox.

    `direct=False` has units use the outbox and its relay, as with a bus that is elsewhere. `shuffle` mixes the order
    between topics (tests), never within a partition.
    """

    def __init__(
        self,
        db: Database,
        presence: Presence | None = None,
        *,
        direct: bool = True,
        shuffle: Callable[[list[list[Record]]], None] | None = None,
    ) -> None:
        self._db = db
        self._direct = direct
        self._shuffle = shuffle
        self._subscriptions: set[EmbeddedSubscription] = set()
        self._notices: set[asyncio.Task[None]] = set()
        self._own_presence = presence is None
        self.presence = presence or Presence(db)
        self.presence.listen(self.wake, self._begin_again)

    async def start(self) -> None:
        """Makes the log's tables; a bus that stands alone shows its own presence."""
        if self._own_presence:
            await self.presence.start()
        async with self._db.transaction() as conn:
            await conn.execute(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")
            await conn.execute(sql.SCHEMA)

    def _begin_again(self) -> None:
        for subscription in self._subscriptions:
            subscription.rewind()

    async def stop(self) -> None:
        """Waits for notices under way."""
        await asyncio.gather(*self._notices, return_exceptions=True)
        if self._own_presence:
            await self.presence.stop()

    async def declare(self, topics: Sequence[TopicEntry]) -> None:
        """Makes missing topics with their partitions; refuses another partition count."""
        async with self._db.transaction() as conn:
            rows = await conn.fetch("SELECT topic, count(*) AS n FROM bus.head GROUP BY topic")
            there = {row["topic"]: row["n"] for row in rows}
            for topic in topics:
                if there.get(topic.name, topic.partitions) != topic.partitions:
                    raise Misconfigured(
                        "ONEWINDOW_BUS",
                        f"主题 {topic.name} 有 {there[topic.name]} 个分区,目录要求 {topic.partitions} 个",
                        f"topic {topic.name} has {there[topic.name]} partitions, the catalogue wants {topic.partitions}",
                    )
            missing = [
                (t.name, n, role_of(t.writer)) for t in topics if t.name not in there for n in range(t.partitions)
            ]
            await conn.executemany(
                "INSERT INTO bus.head (topic, partition, writer) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", missing
            )

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Appends in order; durable when it returns."""
        async with self._db.transaction() as conn:
            rows = await conn.fetch("SELECT topic, count(*)::int AS n FROM bus.head GROUP BY topic")
            partitions = {row["topic"]: row["n"] for row in rows}
            moved = await conn.fetch(
                sql.APPEND + sql.PLACE,
                [e.topic for e in envelopes],
                [partition_of(e.key, partitions[e.topic]) for e in envelopes],
                [e.key for e in envelopes],
                [orjson.dumps(attributes(e)).decode() for e in envelopes],
                [e.data for e in envelopes],
            )
        await self.announce([row["topic"] for row in moved])

    async def append(self, conn: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Record] | None:
        """Appends in the caller's transaction, in the caller's role; the heads are held until it commits."""
        if not self._direct:
            return None
        placed = await conn.fetch(
            "SELECT * FROM bus.append($1, $2, $3, $4, $5)",
            [row["topic"] for row in rows],
            [row["partition"] for row in rows],
            [row["key"] for row in rows],
            [orjson.dumps(row["headers"]).decode() for row in rows],
            [row["data"] for row in rows],
        )
        hit("log.appended")
        following = {(row["topic"], row["part"]): row["base"] for row in placed}
        return [self._record(row, following) for row in rows]

    @staticmethod
    def _record(row: Mapping[str, Any], following: dict[TopicPartition, int]) -> Record:
        at = row["topic"], row["partition"]
        offset = following[at]
        following[at] = offset + 1
        return Record(*at, offset, row["key"], row["headers"], row["data"])

    def appended(self, records: Sequence[Record]) -> None:
        """Hands committed records to the readers of this process, and wakes those of others."""
        for subscription in self._subscriptions:
            subscription.offer(records)
        if not self.presence.alone:
            notice = asyncio.create_task(self.presence.tell({record.topic for record in records}))
            self._notices.add(notice)
            notice.add_done_callback(self._notices.discard)

    async def relay(self, schema: str, most: int) -> int:
        """Moves the oldest outbox rows of a schema to the log, in one transaction."""
        async with self._db.connection() as conn:
            moved = await conn.fetch(sql.relay_sql(schema), most)
        await self.announce([row["topic"] for row in moved])
        return sum(row["n"] for row in moved)

    async def announce(self, topics: Sequence[str]) -> None:
        """Wakes the readers of these topics here and, when there are others, in other processes."""
        if topics:
            self.wake(topics)
            await self.presence.tell(topics)

    def wake(self, topics: Sequence[str]) -> None:
        """Wakes the local readers of these topics."""
        for subscription in self._subscriptions:
            subscription.wake(topics)

    def subscribe(self, group: str, topics: Sequence[str]) -> EmbeddedSubscription:
        """Joins a group."""
        subscription = EmbeddedSubscription(self, self._db, group, topics)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: EmbeddedSubscription) -> None:
        """Forgets a closed subscription."""
        self._subscriptions.discard(subscription)

    def mix(self, parts: list[list[Record]]) -> None:
        """Lets a test reorder what comes from different topics."""
        if self._shuffle is not None:
            self._shuffle(parts)

    async def lag(self, group: str | None = None) -> list[Lag]:
        """The lag of one group or all."""
        async with self._db.connection() as conn:
            rows = await conn.fetch(
                "SELECT c.grp, c.topic, c.partition, c.position, h.next_offset FROM bus.cursor c"
                " JOIN bus.head h USING (topic, partition) WHERE $1::text IS NULL OR c.grp = $1 ORDER BY 1, 2, 3",
                group,
            )
        return [Lag(*row) for row in rows]


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
            record = Record(row[0], row[1], row[2], row[3], orjson.loads(row[4]), row[5])
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

    async def close(self) -> None:
        """Gives the leases back."""
        self._bus.leave(self)
        await self._leases.release()
