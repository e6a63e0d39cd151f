"""A Kafka cluster's records: `python -m tests.faults.history.bus_kafka kafka://host:port[/prefix] BUS.jsonl [POSITIONS.jsonl]`.

A bare consumer without a group: it changes nothing there, and takes what lies between the beginning and the end.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from tests.faults.history.bus_line import bus_line
from tests.faults.history.lines import write_lines

OURS = "onewindow."
SECONDS = 60.0
"""The longest that a cluster may take to hand over what it has."""


def address(url: str) -> tuple[str, str]:
    """The servers and the prefix of `kafka://host:port,…[/prefix]`."""
    servers, _, prefix = url.removeprefix("kafka://").partition("/")
    return servers, prefix


async def records(url: str) -> list[dict[str, Any]]:
    """Every record of the platform's topics from their beginning to the end as it is now."""
    servers, prefix = address(url)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        async with asyncio.timeout(SECONDS):
            found = await _read(consumer, await _places(servers, prefix + OURS))
    finally:
        await consumer.stop()
    return [_line(record, prefix) for record in sorted(found, key=lambda r: (r.topic, r.partition, r.offset))]


async def _places(servers: str, start: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        ours = [topic for topic in await admin.list_topics() if topic.startswith(start)]
        described = await admin.describe_topics(ours)
    finally:
        await admin.close()
    return [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]


async def _read(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> list[Any]:
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    ends = await consumer.end_offsets(places)
    found: list[Any] = []
    while [place for place in places if await consumer.position(place) < ends[place]]:
        for place, part in (await consumer.getmany(timeout_ms=500)).items():
            found += [record for record in part if record.offset < ends[place]]
    return found


def _line(record: Any, prefix: str) -> dict[str, Any]:
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    key = (record.key or b"").decode(errors="replace")
    topic = record.topic.removeprefix(prefix)
    return bus_line("kafka", topic, record.partition, record.offset, key, headers, record.value or b"")


async def positions(url: str) -> list[dict[str, Any]]:
    """How far each group of the platform has read now."""
    servers, prefix = address(url)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        groups = [group for group, _ in await admin.list_consumer_groups() if group.startswith(prefix)]
        stored = [(group, await admin.list_consumer_group_offsets(group)) for group in sorted(groups)]
    finally:
        await admin.close()
    return [
        {
            "group": group.removeprefix(prefix),
            "topic": place.topic.removeprefix(prefix),
            "partition": place.partition,
            "position": at.offset,
        }
        for group, offsets in stored
        for place, at in sorted(offsets.items())
        if place.topic.startswith(prefix + OURS) and at.offset >= 0
    ]


async def main(url: str, bus: str, groups: str = "") -> None:
    """Writes the files."""
    write_lines(Path(bus), await records(url))
    if groups:
        write_lines(Path(groups), await positions(url))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
