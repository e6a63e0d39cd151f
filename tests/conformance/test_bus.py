"""What every bus promises; a bus is one line in `BUSES`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from shared.bus.embedded import EmbeddedBus
from shared.bus.port import Bus, Fenced, Record, Subscription
from shared.catalog.model import TopicEntry
from shared.db.engine import Database
from shared.errors import Misconfigured
from shared.messages import Envelope, event_id
from tests.support.database import eventually

TOPIC = "onewindow.test.events"
OTHER = "onewindow.other.events"
ENTRY = TopicEntry(TOPIC, "test", None, partitions=4)
OTHER_ENTRY = TopicEntry(OTHER, "other", None, partitions=2)


def envelope(key: str, version: int, topic: str = TOPIC) -> Envelope:
    return Envelope(
        id=event_id(topic, key, version),
        type="cn.onewindow.test.Happened.v1",
        source="/onewindow/test",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        topic=topic,
        key=key,
        aggregateid=key,
        streamversion=version,
        data=f'{{"n":{version}}}'.encode(),
        caseid=key,
    )


@pytest_asyncio.fixture(params=["embedded"])
async def bus(request: pytest.FixtureRequest, db: Database) -> AsyncIterator[Bus]:
    made = {"embedded": EmbeddedBus}[request.param](db)
    await made.start()
    await made.declare([ENTRY, OTHER_ENTRY])
    yield made
    await made.stop()


async def drain(subscription: Subscription, count: int) -> list[Record]:
    found: list[Record] = []

    async def more() -> bool:
        found.extend(await subscription.fetch(50, 0.05))
        return len(found) >= count

    await eventually(more, f"{count} records")
    return found


async def test_records_of_a_key_arrive_in_the_order_they_were_published(bus: Bus) -> None:
    keys = [f"case-{n}" for n in range(7)]
    for version in range(1, 6):
        await bus.publish([envelope(key, version) for key in keys])
    records = await drain(bus.subscribe("g", [TOPIC]), 35)
    for key in keys:
        assert [r.envelope().streamversion for r in records if r.key == key] == [1, 2, 3, 4, 5]


async def test_offsets_are_dense_in_every_partition_though_many_publish_at_once(bus: Bus) -> None:
    await asyncio.gather(*(bus.publish([envelope(f"k{n}", v) for v in range(1, 4)]) for n in range(30)))
    records = await drain(bus.subscribe("g", [TOPIC]), 90)
    by_partition: dict[int, list[int]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record.offset)
    assert sum(map(len, by_partition.values())) == 90
    for offsets in by_partition.values():
        assert offsets == list(range(len(offsets)))


async def test_an_envelope_comes_back_as_it_was_sent(bus: Bus) -> None:
    sent = envelope("case-1", 1)
    await bus.publish([sent])
    (record,) = await drain(bus.subscribe("g", [TOPIC]), 1)
    assert record.envelope() == sent


async def test_a_new_group_starts_at_the_beginning_and_groups_do_not_take_from_each_other(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in (1, 2, 3)])
    assert len(await drain(bus.subscribe("first", [TOPIC]), 3)) == 3
    assert len(await drain(bus.subscribe("second", [TOPIC]), 3)) == 3


async def test_what_was_not_committed_is_delivered_again_to_the_next_member(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in range(1, 11)])
    first = bus.subscribe("g", [TOPIC])
    await drain(first, 10)
    await first.close()
    second = bus.subscribe("g", [TOPIC])
    again = await drain(second, 10)
    assert [r.envelope().streamversion for r in again] == list(range(1, 11))
    await second.commit()
    await second.close()
    third = bus.subscribe("g", [TOPIC])
    await bus.publish([envelope("a", 11)])
    assert [r.envelope().streamversion for r in await drain(third, 1)] == [11]


async def test_a_member_whose_lease_was_taken_cannot_move_the_position(bus: Bus, db: Database) -> None:
    if not isinstance(bus, EmbeddedBus):
        pytest.fail("declare how this bus loses a lease")
    await bus.publish([envelope("a", 1)])
    stale = bus.subscribe("g", [TOPIC])
    await drain(stale, 1)
    async with db.transaction() as conn:
        await conn.execute("UPDATE bus.cursor SET epoch = epoch + 1, owner = owner + 1000 WHERE grp = 'g'")
    with pytest.raises(Fenced):
        await stale.commit()
    assert [lag.position for lag in await bus.lag("g")] == [0, 0, 0, 0]


async def test_a_subscriber_is_woken_by_a_record_and_does_not_wait_for_its_timeout(bus: Bus) -> None:
    subscription = bus.subscribe("g", [TOPIC])
    await subscription.fetch(10, 0.01)
    await subscription.fetch(10, 0.01)
    waiting = asyncio.create_task(subscription.fetch(10, 30.0))
    await asyncio.sleep(0)
    await bus.publish([envelope("a", 1)])
    assert len(await asyncio.wait_for(waiting, 5)) == 1


async def test_lag_counts_what_a_group_has_not_committed(bus: Bus) -> None:
    subscription = bus.subscribe("g", [TOPIC])
    await subscription.fetch(1, 0.01)
    await bus.publish([envelope(f"k{n}", 1) for n in range(20)])
    assert sum(lag.records for lag in await bus.lag("g")) == 20
    await drain(subscription, 20)
    await subscription.commit()
    assert sum(lag.records for lag in await bus.lag("g")) == 0


async def test_two_members_share_the_partitions_and_a_leaving_one_hands_over(bus: Bus) -> None:
    if not isinstance(bus, EmbeddedBus):
        pytest.fail("start a second member of this bus")
    one = bus.subscribe("g", [TOPIC, OTHER])
    await one.fetch(1, 0.01)
    other_bus = EmbeddedBus(bus._db)
    await other_bus.start()
    two = other_bus.subscribe("g", [TOPIC, OTHER])

    async def shared() -> bool:
        await one.fetch(50, 0.05)
        await two.fetch(50, 0.05)
        async with bus._db.connection() as conn:
            rows = await conn.fetch("SELECT owner, count(*) AS n FROM bus.cursor WHERE grp = 'g' GROUP BY owner")
        return sorted(row["n"] for row in rows if row["owner"]) == [3, 3]

    await eventually(shared, "three partitions each")
    await two.close()
    await other_bus.stop()
    await bus.publish([envelope(f"k{n}", 1) for n in range(20)])
    assert len(await drain(one, 20)) == 20


async def test_a_topic_with_another_partition_count_stops_the_start(bus: Bus) -> None:
    with pytest.raises(Misconfigured) as caught:
        await bus.declare([TopicEntry(TOPIC, "test", None, partitions=3)])
    assert TOPIC in str(caught.value)


async def test_order_between_topics_is_not_promised_but_order_within_a_partition_is(db: Database) -> None:
    shuffled = EmbeddedBus(db, shuffle=random.Random(7).shuffle)
    await shuffled.start()
    await shuffled.declare([ENTRY, OTHER_ENTRY])
    for version in range(1, 9):
        await shuffled.publish([envelope("a", version), envelope("b", version, OTHER)])
    records = await drain(shuffled.subscribe("g", [TOPIC, OTHER]), 16)
    for key in "ab":
        assert [r.envelope().streamversion for r in records if r.key == key] == list(range(1, 9))
    await shuffled.stop()
