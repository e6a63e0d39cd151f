"""The embedded bus: a durable log in the platform's own PostgreSQL database, for one machine and several processes.

Offsets are dense: they are given out under the partition's head row, in the transaction that appends. A group's
partitions are owned by lease; the owner's epoch is checked in the transaction that moves a position. A member is
known to be dead at once when its database session ends (it holds an advisory lock), and by its lease when it hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import asyncpg
import orjson

from shared.bus.leases import Leases
from shared.bus.port import Lag, Record, TopicPartition
from shared.catalog.model import TopicEntry
from shared.db.engine import Database, mapped_errors
from shared.db.writes import partition_of
from shared.errors import Misconfigured
from shared.messages import Envelope, attributes

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

CHANNEL = "onewindow_bus"
MEMBER_LOCKS = 7_420_112
"""Class of the advisory locks that say a member is alive."""

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE SEQUENCE IF NOT EXISTS bus.member;
CREATE TABLE IF NOT EXISTS bus.head (
    topic text NOT NULL, partition int NOT NULL, next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS bus.record (
    topic text COLLATE "C" NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL, key text NOT NULL,
    headers jsonb NOT NULL, data bytea NOT NULL, appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset"));
CREATE TABLE IF NOT EXISTS bus.cursor (
    grp text NOT NULL, topic text NOT NULL, partition int NOT NULL, position bigint NOT NULL DEFAULT 0,
    owner int, epoch bigint NOT NULL DEFAULT 0, lease_until timestamptz,
    PRIMARY KEY (grp, topic, partition));
CREATE TABLE IF NOT EXISTS bus.group_member (
    grp text NOT NULL, member int NOT NULL, seen_at timestamptz NOT NULL, PRIMARY KEY (grp, member));
"""

_APPEND = """
WITH incoming AS (SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::jsonb[], $5::bytea[])
        WITH ORDINALITY AS t(topic, partition, key, headers, data, n)),
    heads AS MATERIALIZED (SELECT h.topic, h.partition FROM bus.head h
        WHERE (h.topic, h.partition) IN (SELECT DISTINCT topic, partition FROM incoming)
        ORDER BY h.topic, h.partition FOR UPDATE),
"""
_PLACE = """
    counted AS (SELECT topic, partition, count(*) AS n FROM incoming GROUP BY topic, partition),
    moved AS (UPDATE bus.head h SET next_offset = h.next_offset + c.n FROM counted c
        WHERE h.topic = c.topic AND h.partition = c.partition
        RETURNING h.topic, h.partition, h.next_offset - c.n AS base),
    placed AS (INSERT INTO bus.record (topic, partition, "offset", key, headers, data)
        SELECT i.topic, i.partition, m.base - 1 + row_number() OVER (PARTITION BY i.topic, i.partition ORDER BY i.n),
            i.key, i.headers, i.data
        FROM incoming i JOIN moved m USING (topic, partition) RETURNING topic)
SELECT topic, count(*) AS n FROM placed GROUP BY topic
"""
_FETCH = """
SELECT r.topic, r.partition, r."offset", r.key, r.headers, r.data
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p(topic, partition, position)
CROSS JOIN LATERAL (SELECT * FROM bus.record r WHERE r.topic = p.topic AND r.partition = p.partition
    AND r."offset" >= p.position ORDER BY r."offset" LIMIT $4) r
"""


def _relay_sql(schema: str) -> str:
    # One statement: the lock makes one relay an outbox active, so that nothing is overtaken; rows leave the outbox
    # and reach the log in the same transaction.
    return f"""
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('relay.{schema}')) AS mine),
    incoming AS MATERIALIZED (DELETE FROM "{schema}".outbox WHERE (SELECT mine FROM turn) AND seq IN
        (SELECT seq FROM "{schema}".outbox ORDER BY seq LIMIT $1)
        RETURNING topic, partition, key, headers, data, seq AS n),
{_PLACE}"""


class EmbeddedBus:
    """The bus over a database; `shuffle` mixes the order between topics (tests), never within a partition."""

    def __init__(self, db: Database, *, shuffle: Callable[[list[list[Record]]], None] | None = None) -> None:
        self._db = db
        self._shuffle = shuffle
        self._session: PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection | None = None
        self._subscriptions: set[EmbeddedSubscription] = set()
        self._alone = True
        self._watch: asyncio.Task[None] | None = None
        self.member = 0

    async def start(self) -> None:
        """Makes the log's tables, registers this process as a member and listens for others' records."""
        async with self._db.connection() as conn:
            await conn.execute("SELECT pg_advisory_lock(7420112, 0)")
            try:
                await conn.execute(SCHEMA)
            finally:
                await conn.execute("SELECT pg_advisory_unlock(7420112, 0)")
        await self._open_session()
        self._watch = asyncio.create_task(self._keep_session(), name="bus.session")

    async def _open_session(self) -> None:
        with mapped_errors():
            session = await asyncpg.connect(self._db.dsn, timeout=10)
            self.member = await session.fetchval("SELECT nextval('bus.member')::int")
            await session.execute(f"SELECT pg_advisory_lock({MEMBER_LOCKS}, $1)", self.member)
            await session.add_listener(CHANNEL, lambda *args: self.wake(args[3].split(",")))
            self._session = session

    async def _keep_session(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                if self._session is None or self._session.is_closed():
                    await self._open_session()
                    for subscription in self._subscriptions:
                        subscription.rewind()
                async with self._db.connection() as conn:
                    others = await conn.fetchval(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND granted",
                        MEMBER_LOCKS,
                    )
                self._alone = others <= 1
            except Exception:  # noqa: BLE001, S112 — a database that is away is met by the workers, with their own report
                continue

    async def stop(self) -> None:
        """Ends the session, so that others take over at once."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._session is not None:
            with contextlib.suppress(Exception):
                await self._session.close(timeout=2)
            self._session = None

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
            missing = [(t.name, n) for t in topics if t.name not in there for n in range(t.partitions)]
            await conn.executemany(
                "INSERT INTO bus.head (topic, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING", missing
            )

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Appends in order; durable when it returns."""
        async with self._db.transaction() as conn:
            rows = await conn.fetch("SELECT topic, count(*)::int AS n FROM bus.head GROUP BY topic")
            partitions = {row["topic"]: row["n"] for row in rows}
            moved = await conn.fetch(
                _APPEND + _PLACE,
                [e.topic for e in envelopes],
                [partition_of(e.key, partitions[e.topic]) for e in envelopes],
                [e.key for e in envelopes],
                [orjson.dumps(attributes(e)).decode() for e in envelopes],
                [e.data for e in envelopes],
            )
        await self.announce([row["topic"] for row in moved])

    async def relay(self, schema: str, most: int) -> int:
        """Moves the oldest outbox rows of a schema to the log, in one transaction."""
        async with self._db.connection() as conn:
            moved = await conn.fetch(_relay_sql(schema), most)
        await self.announce([row["topic"] for row in moved])
        return sum(row["n"] for row in moved)

    async def announce(self, topics: Sequence[str]) -> None:
        """Wakes the readers of these topics here and, when there are others, in other processes."""
        if not topics:
            return
        self.wake(topics)
        if not self._alone and self._session is not None:
            with contextlib.suppress(Exception):  # a lost notice only costs the reader its polling interval
                await self._session.execute("SELECT pg_notify($1, $2)", CHANNEL, ",".join(topics))

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
    """One member of a group on the embedded bus."""

    def __init__(self, bus: EmbeddedBus, db: Database, group: str, topics: Sequence[str]) -> None:
        self._bus = bus
        self._db = db
        self._topics = tuple(topics)
        self._leases = Leases(db, group, self._topics, lambda: bus.member)
        self._next: dict[TopicPartition, int] = {}
        self._news = asyncio.Event()
        self._dirty: set[str] = set(topics)

    def wake(self, topics: Sequence[str]) -> None:
        """There may be records on these topics."""
        mine = set(topics).intersection(self._topics)
        if mine:
            self._dirty |= mine
            self._news.set()

    def rewind(self) -> None:
        """The next fetch starts at the stored positions, with leases taken anew."""
        self._leases.forget()
        self._next.clear()
        self._dirty = set(self._topics)
        self._news.set()

    async def fetch(self, most: int, timeout: float) -> list[Record]:
        """Records of the owned partitions; waits for news, looks at everything once a timeout."""
        await self._renew()
        if not self._dirty:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except TimeoutError:
                self._dirty = set(self._topics)
        return await self._read(most)

    async def _renew(self) -> None:
        owned = await self._leases.renew()
        if owned is None:
            return
        for at in set(self._next) - set(owned):
            del self._next[at]
        for at, position in owned.items():
            if at not in self._next:
                self._next[at] = position
                self._dirty.add(at[0])

    async def _read(self, most: int) -> list[Record]:
        topics, self._dirty = self._dirty, set()
        wanted = [(t, p, n) for (t, p), n in self._next.items() if t in topics]
        if not wanted:
            return []
        async with self._db.connection() as conn:
            rows = await conn.fetch(_FETCH, *map(list, zip(*wanted, strict=True)), most)
        parts: dict[TopicPartition, list[Record]] = {}
        for row in rows:
            record = Record(row[0], row[1], row[2], row[3], orjson.loads(row[4]), row[5])
            parts.setdefault(record.at, []).append(record)
        self._dirty |= {at[0] for at, part in parts.items() if len(part) >= most}
        return self._take(list(parts.values()), most)

    def _take(self, parts: list[list[Record]], most: int) -> list[Record]:
        self._bus.mix(parts)
        taken = [record for part in parts for record in part][:most]
        for record in taken:
            self._next[record.at] = record.offset + 1
        self._dirty |= {r.topic for part in parts for r in part[-1:] if self._next[r.at] <= r.offset}
        return taken

    async def commit(self) -> None:
        """Stores positions; raises `Fenced` (and starts again from what is stored) when a lease is gone."""
        await self._leases.commit(self._next)

    async def close(self) -> None:
        """Gives the leases back."""
        self._bus.leave(self)
        await self._leases.release()
