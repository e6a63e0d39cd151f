"""One member of a Kafka group, as the port promises it: rewindable, fenced, and never silently dead."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition as Place

from shared.bus.kafka_link import REQUEST_MS, mapped_errors, thrown_away
from shared.bus.kafka_wire import to_record
from shared.bus.port import Fenced, Lost, Positions, Record, TopicPartition, not_reached
from shared.clock import monotonic
from shared.errors import Transient

if TYPE_CHECKING:
    from shared.bus.kafka import KafkaBus

log = structlog.get_logger("onewindow.kafka")
JOIN_SECONDS = 30.0
COMMIT_SECONDS = 10.0
WATCH_SECONDS = 10.0
GIVE_UP_SECONDS = 30.0
"""A client that waits for its broker is kept so long: it is still the member that the group knows."""

SESSION_MS, HEARTBEAT_MS = 10_000, 1_000
REBALANCE_MS = 4_000
"""How long a group waits for members that do not come again, as those of a killed process never do: less than
`REQUEST_MS`, or the answer to joining would come when nobody waits for it any more."""


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads its share of the topics; connects at the first fetch, and again after any trouble."""

    def __init__(self, bus: KafkaBus, group: str, topics: Sequence[str], positions: Positions | None = None) -> None:
        self._bus, self.group, self.topics, self._positions = bus, group, set(topics), positions
        self._consumer: AIOKafkaConsumer | None = None
        self._stored: dict[Place, int] = {}
        self._next: dict[Place, int] = {}
        self._lives = 0
        self._lost = self._again = False
        self._heard = self._looked = monotonic()
        self._behind: dict[Place, int] = {}
        self._lost_places: dict[Place, Lost] = {}
        self._unanswered: float | None = None

    async def fetch(self, most: int, timeout: float) -> list[Record]:
        """Records of the owned partitions; a client that fell silent is replaced and reported as `Transient`."""
        try:
            with mapped_errors():
                consumer = self._consumer or await self._join()
                self._seek_back(consumer)
                await self._learn(consumer)
                if self._lost_places:
                    return []
                records = await self._records(consumer, most, timeout)
                if not records and not self._lost_places:
                    await self._watch()
                return records
        except Exception as cause:
            await self._drop_unless_waiting(cause)
            raise

    async def _records(self, consumer: AIOKafkaConsumer, most: int, timeout: float) -> list[Record]:
        try:
            return self._take(await _given(consumer, most, timeout))
        except NoOffsetForPartitionError:  # just assigned: the next fetch learns where it begins
            return []
        except OffsetOutOfRangeError as cause:
            await self._miss(consumer, cause.args[0])
            return []

    async def _miss(self, consumer: AIOKafkaConsumer, places: Mapping[Place, int]) -> None:
        """Nothing is kept at these positions: whoever reads here says where to go on, with what is missing on record."""
        begins = await consumer.beginning_offsets(list(places))
        for place, position in places.items():
            begin = begins[place]
            if place in self._stored:
                self._lost_places[place] = Lost(
                    self._at(place), position, begin, "let_go" if position < begin else "bus_back"
                )

    def lost(self) -> list[Lost]:
        """Owned partitions whose position the broker has let go or no longer has, or the database has not reached."""
        return list(self._lost_places.values())

    async def _join(self) -> AIOKafkaConsumer:
        link = self._bus.link
        consumer = AIOKafkaConsumer(
            bootstrap_servers=link.servers,
            group_id=link.prefix + self.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(RangePartitionAssignor,),
            request_timeout_ms=REQUEST_MS,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            fetch_max_wait_ms=500,
            **link.options(),
        )
        consumer.subscribe([link.prefix + topic for topic in self.topics], listener=self)
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await consumer.start()
        except BaseException:
            await thrown_away(consumer)
            raise
        self._consumer = consumer
        self._heard = self._looked = monotonic()
        return consumer

    async def _learn(self, consumer: AIOKafkaConsumer) -> None:
        """Knows where each owned partition's stored position is, and reads on from there; a new group's beginning is
        stored at once."""
        while not consumer.assignment() <= self._stored.keys():
            life, new = self._lives, consumer.assignment() - self._stored.keys()
            async with asyncio.timeout(COMMIT_SECONDS):
                found = {place: await consumer.committed(place) for place in new}
                fresh = [place for place, position in found.items() if position is None]
                if fresh:
                    begin = await consumer.beginning_offsets(fresh)
                    await consumer.commit(begin)
                    found |= begin
            behind = await self._compare(found, fresh)
            if life == self._lives:
                self._start_at(consumer, found)
                self._lost_places |= behind

    async def _compare(self, found: Mapping[Place, int], fresh: Collection[Place]) -> dict[Place, Lost]:
        if self._positions is None:
            return {}
        stored = {self._at(place): position for place, position in found.items()}
        begun = {self._at(place) for place in fresh}
        lost = await not_reached(self._positions, await self._bus.name(), stored, begun)
        return {self._place(one.at): one for one in lost}

    def _start_at(self, consumer: AIOKafkaConsumer, found: dict[Place, int]) -> None:
        """Reads these partitions from their stored positions on.

        The client may have given some of their records already, right after it got them and before their positions
        were learnt: those were passed over, and are given again.
        """
        self._stored |= found
        for place, position in found.items():
            consumer.seek(place, position)

    def _take(self, parts: dict[Place, list[Any]]) -> list[Record]:
        taken = []
        for place, got in parts.items():
            if place not in self._stored:
                continue  # the group was shared out anew meanwhile: whose it is now reads it from the stored position
            taken += [to_record(one, self._bus.link.prefix) for one in got]
            self._next[place] = got[-1].offset + 1
        if taken:
            self._heard, self._unanswered = monotonic(), None
            self._behind.clear()
        return taken

    def _seek_back(self, consumer: AIOKafkaConsumer) -> None:
        if not self._again:
            return
        for place in self._stored.keys() & consumer.assignment():
            consumer.seek(place, self._stored[place])
        self._again = False

    async def _watch(self) -> None:
        """A client that gives nothing while records wait, over two looks, is dead whatever it says."""
        now = monotonic()
        if now - max(self._heard, self._looked) < WATCH_SECONDS:
            return
        self._looked = now
        at = {place: self._next.get(place, position) for place, position in self._stored.items()}
        try:
            ends = await self._bus.ends(at)
        except Transient:  # nobody can be asked now, which says nothing of the client
            return
        behind = {place: position for place, position in at.items() if ends[place] > position}
        if any(self._behind.get(place) == position for place, position in behind.items()):
            log.error("consumer_silent", consumer=self.group, count=len(behind))
            raise Transient("消费者没有反应,重新加入", f"{self.group}: the consumer fell silent, joining again")
        self._behind = behind

    async def commit(self) -> None:
        """Stores the positions after everything fetched; raises `Fenced` when partitions went to another member."""
        if self._lost:
            self._lost = False
            raise Fenced("分区已由他人接管", f"{self.group}: partitions went to another member")
        consumer, life = self._consumer, self._lives
        moved = {place: n for place, n in self._next.items() if n > self._stored.get(place, n)}
        if consumer is None or not moved:
            return
        # The database first: the bus is never told more than it has.
        await self._keep(moved)
        try:
            with mapped_errors():
                async with asyncio.timeout(COMMIT_SECONDS):
                    await consumer.commit(moved)
        except Exception as cause:
            await self._drop_unless_waiting(cause)
            raise
        self._unanswered = None
        if life == self._lives:
            self._stored |= moved

    async def _keep(self, reached: Mapping[Place, int], *, anew: bool = False) -> None:
        if self._positions is not None:
            at = {self._at(place): position for place, position in reached.items()}
            await self._positions.keep(await self._bus.name(), at, anew=anew)

    def _at(self, place: Place) -> TopicPartition:
        return place.topic.removeprefix(self._bus.link.prefix), place.partition

    def _place(self, at: TopicPartition) -> Place:
        return Place(self._bus.link.prefix + at[0], at[1])

    def owns(self, at: TopicPartition) -> bool:
        """Whether the partition was given to this member, as far as it knows."""
        return self._place(at) in self._stored

    async def seek(self, at: TopicPartition, offset: int) -> int | None:
        """Another position for an owned partition, stored by the member that owns it: no other client may."""
        consumer, life, place = self._consumer, self._lives, self._place(at)
        if consumer is None or place not in self._stored:
            return None
        before = self._stored[place]
        await self._keep({place: offset}, anew=place in self._lost_places)
        try:
            with mapped_errors():
                async with asyncio.timeout(COMMIT_SECONDS):
                    await consumer.commit({place: offset})
                consumer.seek(place, offset)
        except Exception:
            await self._drop()
            raise
        if life == self._lives:
            self._stored[place] = offset
            self._next.pop(place, None)
            self._lost_places.pop(place, None)
        return before

    def rewind(self) -> None:
        """The next fetch starts again at the stored position, and nothing beyond it may be stored until then."""
        self._again = True
        self._next.clear()

    async def on_partitions_revoked(self, revoked: Collection[Place]) -> None:
        """Forgets what was owned. Takes no lock and waits for nothing: the fetch loop may be waiting for this."""
        self._lost = self._lost or any(n > self._stored.get(place, n) for place, n in self._next.items())
        self._forget()

    async def on_partitions_assigned(self, assigned: Collection[Place]) -> None:
        """Positions are learnt at the next fetch."""

    async def _drop_unless_waiting(self, cause: Exception) -> None:
        """Throws the client away, unless it only waits for a broker that is away.

        The library goes on looking for it by itself, as the member it is; a new one would have to wait, after the
        broker is back, until the group has given the old one up.
        """
        if isinstance(cause.__cause__, TimeoutError) and self._consumer is not None:
            self._unanswered = self._unanswered or monotonic()
            if monotonic() - self._unanswered < GIVE_UP_SECONDS:
                return
        await self._drop()

    def _forget(self) -> None:
        self._lives += 1
        self._stored.clear()
        self._next.clear()
        self._behind.clear()
        self._lost_places.clear()

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._again, self._unanswered = False, None
        self._forget()
        if consumer is not None:
            await thrown_away(consumer)

    async def close(self) -> None:
        """Leaves the group, so that others take over at once."""
        self._bus.leave(self)
        await self._drop()


async def _given(consumer: AIOKafkaConsumer, most: int, timeout: float) -> dict[Place, list[Any]]:
    """What the client has fetched; `Transient` when it does not even come back with nothing."""
    try:
        async with asyncio.timeout(timeout + JOIN_SECONDS):
            parts: dict[Place, list[Any]] = await consumer.getmany(timeout_ms=int(timeout * 1000), max_records=most)
    except TimeoutError:
        raise Transient("消费者没有反应", "the consumer does not come back") from None
    return parts
