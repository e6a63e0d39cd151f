"""How a hand-written service of the floor sends and receives: outbox and relay, consumer and positions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

BATCH = 100
PARTITIONS = 4
PREFIX = "floor."
_NAMES = ("specversion", "id", "source", "type", "time", "subject", "caseid", "aggregateid", "streamversion", "keyid")
HEADERS = {f"ce_{name}": "x" * 36 for name in _NAMES}
"""As many as ours and as long."""

_HEADERS_TEXT = orjson.dumps(HEADERS).decode()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message about one case."""

    topic: str
    case: UUID
    data: bytes


Take = Callable[[asyncpg.Connection, Sequence[Letter]], Awaitable[list[Letter]]]


async def make_topics(servers: str, names: Sequence[str]) -> None:
    """The floor's own topics, as many partitions as ours have."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(PREFIX + name, PARTITIONS, 1) for name in names])
    finally:
        await admin.close()


class Post:
    """One service's outbox, what it has seen, and its place in the topics it reads."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], servers: str, name: str) -> None:
        self._pool, self._servers, self._name = pool, servers, name
        self._written = asyncio.Event()

    @asynccontextmanager
    async def running(
        self, topics: Sequence[str], take: Take, committed: Callable[[Sequence[Letter]], None] = lambda _: None
    ) -> AsyncIterator[None]:
        """The relay and the consumer at work."""
        await self._make_tables()
        producer = AIOKafkaProducer(bootstrap_servers=self._servers, acks="all", enable_idempotence=True)
        consumer = AIOKafkaConsumer(
            *(PREFIX + topic for topic in topics),
            bootstrap_servers=self._servers,
            group_id=PREFIX + self._name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await asyncio.gather(producer.start(), consumer.start())
        try:
            async with asyncio.TaskGroup() as group:
                work = [group.create_task(w) for w in (self._relay(producer), self._consume(consumer, take, committed))]
                try:
                    yield
                finally:
                    for task in work:
                        task.cancel()
        finally:
            await asyncio.gather(producer.stop(), consumer.stop())

    async def _make_tables(self) -> None:
        await self._pool.execute(
            f"CREATE TABLE floor.{self._name}_outbox (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " topic text NOT NULL, partition int NOT NULL, key text NOT NULL, headers json NOT NULL,"
            " data bytea NOT NULL);"
            f"CREATE TABLE floor.{self._name}_seen (topic text NOT NULL, stream uuid NOT NULL, version int NOT NULL,"
            " PRIMARY KEY (topic, stream))"
        )

    async def write(self, conn: asyncpg.Connection, letters: Sequence[Letter]) -> None:
        """Into the outbox, in the transaction that the letters tell of."""
        await conn.execute(
            f"INSERT INTO floor.{self._name}_outbox (topic, partition, key, headers, data)"
            " SELECT topic, partition, key, $4::json, data"
            " FROM unnest($1::text[], $2::int[], $3::text[], $5::bytea[]) AS new (topic, partition, key, data)",
            [PREFIX + letter.topic for letter in letters],
            [crc32(letter.case.bytes) % PARTITIONS for letter in letters],
            [str(letter.case) for letter in letters],
            _HEADERS_TEXT,
            [letter.data for letter in letters],
        )

    def wake(self) -> None:
        """There is something to relay."""
        self._written.set()

    async def _relay(self, producer: AIOKafkaProducer) -> None:
        outbox = f"floor.{self._name}_outbox"
        while True:
            self._written.clear()
            while rows := await self._pool.fetch(f"SELECT * FROM {outbox} ORDER BY seq LIMIT {BATCH}"):
                sent = [
                    await producer.send(
                        row["topic"],
                        row["data"],
                        row["key"].encode(),
                        partition=row["partition"],
                        headers=[(name, value.encode()) for name, value in orjson.loads(row["headers"]).items()],
                    )
                    for row in rows
                ]
                await asyncio.gather(*sent)
                await self._pool.execute(f"DELETE FROM {outbox} WHERE seq = ANY($1)", [row["seq"] for row in rows])
            await self._written.wait()

    async def _consume(
        self, consumer: AIOKafkaConsumer, take: Take, committed: Callable[[Sequence[Letter]], None]
    ) -> None:
        while True:
            parts = await consumer.getmany(timeout_ms=500, max_records=BATCH)
            records = [record for part in parts.values() for record in part]
            if not records:
                continue
            letters = [Letter(r.topic.removeprefix(PREFIX), UUID(r.key.decode()), r.value) for r in records]
            async with self._pool.acquire() as conn, conn.transaction():
                out = await take(conn, letters)
                await self._see(conn, letters)
                if out:
                    await self.write(conn, out)
            committed(letters)
            if out:
                self.wake()
            await consumer.commit()

    async def _see(self, conn: asyncpg.Connection, letters: Sequence[Letter]) -> None:
        latest = {(letter.topic, letter.case): None for letter in letters}
        await conn.execute(
            f"INSERT INTO floor.{self._name}_seen AS old SELECT topic, stream, 1"
            " FROM unnest($1::text[], $2::uuid[]) AS new (topic, stream)"
            " ON CONFLICT (topic, stream) DO UPDATE SET version = old.version + 1",
            [topic for topic, _ in latest],
            [case for _, case in latest],
        )
