"""The bus on Apache Kafka 4: records are acknowledged by all in-sync copies, in order, and read by groups.

Units of work write their outbox; the relay publishes its oldest rows, waits for every acknowledgement, and only then
removes them. A crash in between repeats records, which readers drop by their streams' versions; nothing overtakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import TopicPartition as Place

from shared.bus.kafka_link import REQUEST_MS, Link, ended, mapped_errors, quieten
from shared.bus.kafka_subscription import KafkaSubscription
from shared.bus.kafka_topics import RECORD_BYTES, Topics
from shared.bus.kafka_wire import to_headers
from shared.bus.outgoing import outbox_row
from shared.bus.port import Kept, Lag, Positions, Record, TopicPartition, outbox_word
from shared.bus.refused import BEHIND, Outbox
from shared.catalog.model import TopicEntry
from shared.db.site import Site
from shared.errors import Unpublishable
from shared.failpoints import hit
from shared.messages import Envelope

if TYPE_CHECKING:
    import asyncpg

PUBLISH_SECONDS = 20.0
"""After so long without all acknowledgements the producer is given up, and its rows are published anew."""

BATCH_BYTES = 256 * 1024


class KafkaBus:
    """One cluster; the outboxes that are relayed to it lie wherever their services keep their state."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._topics = Topics(link)
        self._partitions: dict[str, int] = {}
        self._producer: AIOKafkaProducer | None = None
        self._making = asyncio.Lock()
        self._outboxes: dict[str, Outbox] = {}
        self._subscriptions: set[KafkaSubscription] = set()

    async def start(self) -> None:
        """Makes sure that the cluster can be used; raises `Misconfigured` by name, or `Transient` when it is away."""
        quieten()
        await self.link.probe()

    async def stop(self) -> None:
        """Hangs up; records and positions stay."""
        for subscription in list(self._subscriptions):
            await subscription.close()
        if self._producer is not None:
            await ended(self._producer.stop())
        await self._topics.close()

    async def declare(self, topics: Sequence[TopicEntry]) -> None:
        """Makes missing topics; raises `Misconfigured` when one exists with another partition count."""
        await self._topics.declare(topics)
        self._partitions |= {topic.name: topic.partitions for topic in topics}

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Appends records in order; every in-sync copy has them when it returns."""
        await self._send([outbox_row(e, self._partitions[e.topic]) for e in envelopes])

    async def take(self, records: Sequence[Record]) -> None:
        """Appends records of another bus as they are, each to the same partition; durable when it returns."""
        await self._send(
            [
                {"topic": r.topic, "partition": r.partition, "key": r.key, "headers": r.headers, "data": r.data}
                for r in records
            ]
        )

    async def append(self, conn: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Record] | None:
        """The log is elsewhere: rows go to the outbox."""
        return None

    def appended(self, records: Sequence[Record]) -> None:
        """Nothing was appended."""

    async def relay(self, site: Site, schema: str, most: int) -> int:
        """Publishes the oldest rows of an outbox, then removes them; one process relays an outbox at a time."""
        if not await site.presence.claim(f"relay.{schema}"):
            await site.presence.tell([outbox_word(schema)])
            return 0
        outbox = self._outboxes.setdefault(schema, Outbox(site, schema))
        again = await outbox.again(self._relayed)
        rows = await outbox.oldest(most)
        await outbox.set_aside([row for row in rows if row["behind"]], BEHIND)
        gone = rows = [row for row in rows if not row["behind"]]
        if not rows:
            return again
        try:
            await self._relayed(rows)
        except Unpublishable:
            gone = await outbox.one_by_one(rows, self._relayed)
        hit("relay.before_remove", schema)
        await outbox.remove(gone)
        return again + len(gone)

    async def _relayed(self, rows: Sequence[Mapping[str, Any]]) -> None:
        await self._send([{**row, "headers": orjson.loads(row["headers"])} for row in rows])

    async def _send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        producer: AIOKafkaProducer | None = None
        try:
            with mapped_errors():
                producer = await self._ready()
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self._hand_over(producer, rows)
        except Exception:
            await self._give_up(producer)
            raise

    async def _hand_over(self, producer: AIOKafkaProducer, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hands rows over in order and waits until every in-sync copy has all of them; raises what went wrong first."""
        handed: list[asyncio.Future[Any]] = []
        failures: list[BaseException] = []
        try:
            for row in rows:
                handed.append(await self._hand(producer, row))
                if given_up(producer):
                    failures.append(GivenUp())  # not all of them were handed over
                    break
        except KafkaError as cause:
            failures.append(cause)
        if handed and not failures:
            await asyncio.wait(handed, return_when=asyncio.FIRST_EXCEPTION)
        if failures or given_up(producer):
            # What was handed over after the producer was given up is sent by nobody: it must not be waited for.
            abandon(producer)
        outcomes = await asyncio.gather(*handed, return_exceptions=True)
        failures += [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            raise next((cause for cause in failures if not isinstance(cause, GivenUp)), failures[0])

    async def _hand(self, producer: AIOKafkaProducer, row: Mapping[str, Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await producer.send(
            self.link.prefix + row["topic"],
            row["data"],
            row["key"].encode(),
            partition=row["partition"],
            headers=to_headers(row["headers"]),
        )
        future.add_done_callback(lambda done: _fail_fast(producer, done))
        return future

    async def _ready(self) -> AIOKafkaProducer:
        async with self._making:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.link.servers,
                    acks="all",
                    enable_idempotence=True,
                    request_timeout_ms=REQUEST_MS,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=RECORD_BYTES,
                    **self.link.options(),
                )
                try:
                    async with asyncio.timeout(PUBLISH_SECONDS):
                        await producer.start()
                except BaseException:
                    await ended(producer.stop())
                    raise
                self._producer = producer
            return self._producer

    async def _give_up(self, producer: AIOKafkaProducer | None) -> None:
        if producer is self._producer:
            self._producer = None
        if producer is not None:
            abandon(producer)
            await ended(producer.stop())

    def subscribe(self, group: str, topics: Sequence[str], positions: Positions | None = None) -> KafkaSubscription:
        """Joins a group; the first position of a new group is the beginning."""
        subscription = KafkaSubscription(self, group, topics, positions)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: KafkaSubscription) -> None:
        """Forgets a closed subscription."""
        self._subscriptions.discard(subscription)

    async def name(self) -> str:
        """What tells this bus from another one, under whatever addresses it is reached."""
        return f"{await self._topics.cluster()}/{self.link.prefix}"

    async def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where these partitions end now."""
        return await self._topics.end(places)

    async def kept(self, topic: str) -> dict[int, Kept]:
        """What each partition of a topic holds; empty for a topic that is not there."""
        return await self._topics.kept(topic)

    async def read(self, at: TopicPartition, offset: int, most: int) -> list[Record]:
        """Up to `most` records that stand there from an offset on."""
        return await self._topics.read(at, offset, most)

    async def lag(self, group: str | None = None) -> list[Lag]:
        """The lag of one group or of all."""
        joined: dict[str, set[str]] = {}
        for subscription in self._subscriptions:
            joined.setdefault(subscription.group, set()).update(subscription.topics)
        return await self._topics.lag(group, {g: t for g, t in joined.items() if group in {None, g}})


class GivenUp(KafkaConnectionError):  # type: ignore[misc]
    """What a producer still held when it was given up, for another reason than this."""


def _fail_fast(producer: AIOKafkaProducer, done: asyncio.Future[Any]) -> None:
    """What was handed over after a record that failed must not come before it: a broker that does not know the producer
    on that partition yet would take it."""
    if not done.cancelled() and done.exception() is not None:
        abandon(producer)


def given_up(producer: AIOKafkaProducer) -> bool:
    """Whether it was abandoned, or ended by itself: nothing that it holds is sent any more."""
    task: asyncio.Task[None] = producer._sender.sender_task  # noqa: SLF001 — it has no other way
    return task.done() or task.cancelling() > 0


def abandon(producer: AIOKafkaProducer) -> None:
    """Has a producer send nothing more, at once.

    Its own `stop()` would first send all that it holds, for as long as that takes: rows that are published anew by
    then. What is in flight may still arrive, as a repeat.
    """
    producer._message_accumulator.fail_all(GivenUp())  # noqa: SLF001 — it has no other way
    producer._sender.sender_task.cancel()  # noqa: SLF001 — as above
