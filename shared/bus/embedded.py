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
from shared.bus.embedded_subscription import EmbeddedSubscription, to_record
from shared.bus.outgoing import partition_of
from shared.bus.port import Kept, Lag, Positions, Record, TopicPartition
from shared.catalog.model import TopicEntry
from shared.db.engine import Database, role_of
from shared.db.presence import Presence
from shared.db.site import Site
from shared.errors import Misconfigured
from shared.failpoints import hit
from shared.messages import Envelope, attributes

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
            "SELECT * FROM bus.append($1, $2, $3, $4::json[], $5)",
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
        return Record(*at, offset, row["key"], row["headers"], row["data"], written=row.get("envelope"))

    def appended(self, records: Sequence[Record]) -> None:
        """Hands committed records to the readers of this process, and wakes those of others."""
        for subscription in self._subscriptions:
            subscription.offer(records)
        if not self.presence.alone:
            notice = asyncio.create_task(self.presence.tell({record.topic for record in records}))
            self._notices.add(notice)
            notice.add_done_callback(self._notices.discard)

    async def relay(self, site: Site, schema: str, most: int) -> int:
        """Moves the oldest outbox rows of a schema to the log, in one transaction: the site is the log's own."""
        async with site.db.connection() as conn:
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

    def subscribe(self, group: str, topics: Sequence[str], positions: Positions | None = None) -> EmbeddedSubscription:
        """Joins a group; its positions lie in the database anyway."""
        subscription = EmbeddedSubscription(self, self._db, group, topics)
        self.enter(subscription)
        return subscription

    def enter(self, subscription: EmbeddedSubscription) -> None:
        """Knows a subscription that is at work, a new one or one that had left."""
        self._subscriptions.add(subscription)

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

    async def kept(self, topic: str) -> dict[int, Kept]:
        """What each partition of a topic holds; empty for a topic that is not there."""
        async with self._db.connection() as conn:
            rows = await conn.fetch(sql.KEPT, topic)
        return {partition: Kept(begin, end) for partition, begin, end in rows}

    async def read(self, at: TopicPartition, offset: int, most: int) -> list[Record]:
        """Up to `most` records that stand there from an offset on."""
        async with self._db.connection() as conn:
            rows = await conn.fetch(sql.FETCH, [at[0]], [at[1]], [offset], most)
        return [to_record(row) for row in rows]
