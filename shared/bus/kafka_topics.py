"""Topics and groups of a Kafka cluster: declared from the catalogue, and how far each group has read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code
from aiokafka.structs import TopicPartition as Place

from shared.bus.kafka_link import REQUEST_MS, SETTING, Link, ended, mapped_errors, thrown_away
from shared.bus.kafka_wire import to_record
from shared.bus.port import Kept, Lag, Record, TopicPartition
from shared.catalog.model import TopicEntry
from shared.errors import Misconfigured
from shared.messages import MESSAGE_BYTES

_DAY_MS = 86_400_000
_OK, _UNKNOWN, _NO_LEADER, _THERE = 0, 3, 5, 36
_FORBIDDEN = (29, 31)
SECONDS = 20.0
ROOM = 48_576
"""What a topic takes beyond the most that a message has: the record's own bytes, and those of its batch."""

RECORD_BYTES = MESSAGE_BYTES + ROOM


class Topics:
    """The administrator's view of a cluster; connects when first asked."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()
        self._cluster: str | None = None

    async def close(self) -> None:
        """Hangs up."""
        if self._admin is not None:
            await ended(self._admin.close())
        if self._reader is not None:
            await thrown_away(self._reader)
        self._admin = self._reader = None

    async def _clients(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        common = {"bootstrap_servers": self._link.servers, "request_timeout_ms": REQUEST_MS, **self._link.options()}
        if self._admin is None:
            admin = AIOKafkaAdminClient(**common)
            await admin.start()
            self._admin = admin
        if self._reader is None:
            reader = AIOKafkaConsumer(**common, enable_auto_commit=False)
            try:
                await reader.start()
            except BaseException:
                await thrown_away(reader)
                raise
            self._reader = reader
        return self._admin, self._reader

    async def declare(self, topics: Sequence[TopicEntry]) -> None:
        """Makes missing topics; refuses another partition count; what this account may not see is another's."""
        async with self._lock, asyncio.timeout(SECONDS):
            with mapped_errors():
                admin, _ = await self._clients()
                missing = await self._missing(admin, topics)
                if missing:
                    await self._make(admin, missing)
                    while await self._missing(admin, missing):  # noqa: ASYNC110 — the cluster tells nobody when it is done
                        await asyncio.sleep(0.02)

    async def _missing(self, admin: AIOKafkaAdminClient, topics: Sequence[TopicEntry]) -> list[TopicEntry]:
        described = await admin.describe_topics([self._link.prefix + t.name for t in topics])
        there = {one["topic"].removeprefix(self._link.prefix): one for one in described}
        missing = []
        for topic in topics:
            found = there[topic.name]
            if found["error_code"] in {_UNKNOWN, _NO_LEADER}:
                missing.append(topic)
            elif found["error_code"] == _OK and len(found["partitions"]) != topic.partitions:
                raise Misconfigured(
                    SETTING,
                    f"主题 {topic.name} 有 {len(found['partitions'])} 个分区,目录要求 {topic.partitions} 个",
                    f"topic {topic.name} has {len(found['partitions'])} partitions,"
                    f" the catalogue wants {topic.partitions}",
                )
        return missing

    async def _make(self, admin: AIOKafkaAdminClient, topics: Iterable[TopicEntry]) -> None:
        answer = await admin.create_topics([self._new(topic) for topic in topics])
        for name, code, *said in answer.topic_errors:
            if code in _FORBIDDEN:
                raise Misconfigured(
                    SETTING,
                    f"主题 {name} 还没有建,这个账号也不能建;请用管理账号运行 onewindow topics",
                    f"topic {name} is missing and this account may not make it: run `onewindow topics` as one that may",
                )
            if code not in {_OK, _THERE}:
                raise for_code(code)(f"{name}: {' '.join(map(str, said))}")

    def _new(self, topic: TopicEntry) -> NewTopic:
        # The number of copies is the cluster's own default (-1): one place says it, the broker's settings.
        kept = "-1" if topic.days is None else str(topic.days * _DAY_MS)
        configs = {
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": kept,
            "cleanup.policy": "delete",
            "max.message.bytes": str(topic.most_bytes + ROOM),
        }
        return NewTopic(self._link.prefix + topic.name, topic.partitions, -1, {}, configs)

    async def lag(self, group: str | None, joined: dict[str, set[str]]) -> list[Lag]:
        """The lag of one group or all of this platform; `joined` are groups of this process and what they read."""
        async with self._lock, asyncio.timeout(SECONDS):
            with mapped_errors():
                admin, reader = await self._clients()
                names = [group] if group is not None else await self._groups(admin, joined)
                stored = [await self._stored(admin, reader, name, joined.get(name, set())) for name in names]
                ends = await reader.end_offsets({place for part in stored for place in part}) if any(stored) else {}
        return [
            Lag(name, place.topic.removeprefix(self._link.prefix), place.partition, position, ends[place])
            for name, part in zip(names, stored, strict=True)
            for place, position in sorted(part.items())
        ]

    async def _groups(self, admin: AIOKafkaAdminClient, joined: Iterable[str]) -> list[str]:
        prefix = self._link.prefix
        known = {name for name, _ in await admin.list_consumer_groups() if name.startswith(prefix)}
        return sorted({name.removeprefix(prefix) for name in known} | set(joined))

    async def _stored(
        self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, group: str, topics: set[str]
    ) -> dict[Place, int]:
        found: dict[Any, Any] = await admin.list_consumer_group_offsets(self._link.prefix + group)
        stored = {Place(*at): got.offset for at, got in found.items() if got.offset >= 0}
        fresh = [p for topic in topics for p in await self._places(admin, topic) if p not in stored]
        return stored | dict(await reader.beginning_offsets(fresh) if fresh else {})

    async def _places(self, admin: AIOKafkaAdminClient, topic: str) -> list[Place]:
        (described,) = await admin.describe_topics([self._link.prefix + topic])
        return [Place(described["topic"], part["partition"]) for part in described["partitions"]]

    async def cluster(self) -> str:
        """The cluster's own id."""
        if self._cluster is None:
            async with self._lock, asyncio.timeout(SECONDS):
                with mapped_errors():
                    admin, _ = await self._clients()
                    self._cluster = str((await admin.describe_cluster())["cluster_id"])
        return self._cluster

    async def end(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where partitions end now."""
        async with self._lock, asyncio.timeout(SECONDS):
            with mapped_errors():
                _, reader = await self._clients()
                found: dict[Place, int] = await reader.end_offsets(list(places))
        return found

    async def kept(self, topic: str) -> dict[int, Kept]:
        """What each partition of a topic holds; empty for one that is not there, or not this account's to see."""
        async with self._lock, asyncio.timeout(SECONDS):
            with mapped_errors():
                admin, reader = await self._clients()
                places = await self._places(admin, topic)
                begin = await reader.beginning_offsets(places) if places else {}
                end = await reader.end_offsets(places) if places else {}
        return {place.partition: Kept(begin[place], end[place]) for place in places}

    async def read(self, at: TopicPartition, offset: int, most: int) -> list[Record]:
        """Up to `most` records that stand there from an offset on, by a client of its own and in no group."""
        kept = (await self.kept(at[0])).get(at[1], Kept(0, 0))
        place, first, end = (
            Place(self._link.prefix + at[0], at[1]),
            max(offset, kept.begin),
            min(kept.end, offset + most),
        )
        found: list[Record] = []
        if first >= end:
            return found
        async with asyncio.timeout(SECONDS), self._alone(place, first) as reader:
            while len(found) < end - first:
                parts = await reader.getmany(timeout_ms=500, max_records=end - first - len(found))
                found += [to_record(got, self._link.prefix) for part in parts.values() for got in part]
        return found

    @asynccontextmanager
    async def _alone(self, place: Place, offset: int) -> AsyncIterator[AIOKafkaConsumer]:
        with mapped_errors():
            reader = AIOKafkaConsumer(
                bootstrap_servers=self._link.servers, request_timeout_ms=REQUEST_MS, **self._link.options()
            )
            try:
                await reader.start()
                reader.assign([place])
                reader.seek(place, offset)
                yield reader
            finally:
                await ended(reader.stop())


async def declare(link: Link, topics: Sequence[TopicEntry]) -> None:
    """Makes the missing ones of these topics on a cluster."""
    made = Topics(link)
    try:
        await link.probe()
        await made.declare(topics)
    finally:
        await made.close()
