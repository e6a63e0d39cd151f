"""What every bus promises; a bus is one line in `BUSES`."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_link import Link
from shared.bus.outgoing import partition_of
from shared.bus.port import Bus, Fenced, Kept, Lag, Record, Subscription
from shared.catalog.model import TopicEntry
from shared.db.engine import Database
from shared.db.presence import Presence
from shared.errors import Misconfigured
from shared.messages import Envelope, event_id
from tests.support.database import eventually
from tests.support.kafka import own_url

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


@pytest_asyncio.fixture
async def presence(db: Database) -> AsyncIterator[Presence]:
    made = Presence(db)
    await made.start()
    yield made
    await made.stop()


def embedded(request: pytest.FixtureRequest, db: Database, presence: Presence) -> Callable[[], Bus]:
    return lambda: EmbeddedBus(db)


def kafka(request: pytest.FixtureRequest, db: Database, presence: Presence) -> Callable[[], Bus]:
    link = Link.parse(own_url(request.getfixturevalue("kafka")))
    return lambda: KafkaBus(link)


BUSES = (embedded, kafka)


@pytest.fixture(params=BUSES, ids=lambda bus: bus.__name__)
def another(request: pytest.FixtureRequest, db: Database, presence: Presence) -> Callable[[], Bus]:
    """Makes one more client of the same bus, as another process would."""
    return request.param(request, db, presence)


@pytest_asyncio.fixture
async def bus(another: Callable[[], Bus]) -> AsyncIterator[Bus]:
    made = another()
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
    """I9: no offset is left out."""
    await asyncio.gather(*(bus.publish([envelope(f"k{n}", v) for v in range(1, 4)]) for n in range(30)))
    records = await drain(bus.subscribe("g", [TOPIC]), 90)
    by_partition: dict[int, list[int]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record.offset)
    assert sum(map(len, by_partition.values())) == 90
    for offsets in by_partition.values():
        assert offsets == list(range(len(offsets)))


async def test_an_envelope_comes_back_as_it_was_sent(bus: Bus) -> None:
    sent = replace(envelope("case-1", 1), beside="cn.onewindow.test.Happened.v0")
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


async def lose_the_lease(bus: Bus, db: Database, another: Callable[[], Bus]) -> None:
    """Another member takes over what the only one of group g owns."""
    if isinstance(bus, EmbeddedBus):
        async with db.transaction() as conn:
            await conn.execute("UPDATE bus.cursor SET epoch = epoch + 1, owner = owner + 1000 WHERE grp = 'g'")
        return
    taker = another()
    await taker.start()
    await taker.subscribe("g", [TOPIC]).fetch(1, 0.01)  # a group forms anew, and everyone loses what was in hand
    await taker.stop()


async def test_a_member_whose_lease_was_taken_cannot_move_the_position(
    bus: Bus, db: Database, another: Callable[[], Bus]
) -> None:
    """I9: a position does not go back because somebody stale says so."""
    await bus.publish([envelope("a", 1)])
    stale = bus.subscribe("g", [TOPIC])
    await drain(stale, 1)
    await lose_the_lease(bus, db, another)
    with pytest.raises(Fenced):
        await stale.commit()
    assert [lag.position for lag in await bus.lag("g")] == [0, 0, 0, 0]


async def test_a_rewound_member_starts_again_at_the_stored_position(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in (1, 2)])
    subscription = bus.subscribe("g", [TOPIC])
    await drain(subscription, 2)
    await subscription.commit()
    await bus.publish([envelope("a", n) for n in (3, 4)])
    assert [r.envelope().streamversion for r in await drain(subscription, 2)] == [3, 4]
    subscription.rewind()
    assert [r.envelope().streamversion for r in await drain(subscription, 2)] == [3, 4]


async def test_a_member_that_left_with_records_in_hand_is_given_them_again_when_it_comes_back(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in (1, 2, 3)])
    subscription = bus.subscribe("g", [TOPIC])
    await drain(subscription, 3)
    await subscription.close()
    assert [record.offset for record in await drain(subscription, 3)] == [0, 1, 2]


async def test_a_rewound_member_stores_nothing_of_what_it_will_read_again(bus: Bus) -> None:
    """What was fetched and could not be applied is neither stored before the next fetch nor on the way out."""
    await bus.publish([envelope("a", n) for n in (1, 2, 3)])
    subscription = bus.subscribe("g", [TOPIC])
    await drain(subscription, 3)
    subscription.rewind()
    await subscription.commit()
    assert sum(lag.records for lag in await bus.lag("g")) == 3
    assert [r.envelope().streamversion for r in await drain(subscription, 3)] == [1, 2, 3]


async def test_a_subscriber_is_woken_by_a_record_and_does_not_wait_for_its_timeout(bus: Bus) -> None:
    subscription = bus.subscribe("g", [TOPIC])
    await subscription.fetch(10, 0.01)
    await subscription.fetch(10, 0.01)
    waiting = asyncio.create_task(subscription.fetch(10, 30.0))
    await asyncio.sleep(0)
    await bus.publish([envelope("a", 1)])
    assert len(await asyncio.wait_for(waiting, 20)) == 1


async def test_lag_counts_what_a_group_has_not_committed(bus: Bus) -> None:
    subscription = bus.subscribe("g", [TOPIC])
    await subscription.fetch(1, 0.01)
    await bus.publish([envelope(f"k{n}", 1) for n in range(20)])
    assert sum(lag.records for lag in await bus.lag("g")) == 20
    await drain(subscription, 20)
    await subscription.commit()
    assert sum(lag.records for lag in await bus.lag("g")) == 0


async def test_two_members_share_the_partitions_and_a_leaving_one_hands_over(
    bus: Bus, another: Callable[[], Bus]
) -> None:
    one = bus.subscribe("g", [TOPIC, OTHER])
    await one.fetch(1, 0.01)
    other_bus = another()
    await other_bus.start()
    two = other_bus.subscribe("g", [TOPIC, OTHER])
    keys = [f"k{n}" for n in range(40)]
    said = itertools.count(1)

    async def shared() -> bool:
        """Both are given records of three partitions each."""
        version = next(said)
        await bus.publish([envelope(key, version, topic) for key in keys for topic in (TOPIC, OTHER)])
        got = [{r.at for r in await member.fetch(500, 0.2)} for member in (one, two)]
        return [len(parts) for parts in got] == [3, 3] and not got[0] & got[1]

    await eventually(shared, "three partitions each")
    await two.close()
    await other_bus.stop()
    behind = sum(lag.records for lag in await bus.lag("g"))
    one.rewind()
    seen: set[tuple[object, int]] = set()

    async def all_stored() -> bool:
        """As the consumer does: a member that is told to be fenced starts again at what is stored."""
        seen.update((r.at, r.offset) for r in await one.fetch(500, 0.2))
        try:
            await one.commit()
        except Fenced:
            one.rewind()
        return sum(lag.records for lag in await bus.lag("g")) == 0

    await eventually(all_stored, "the one who stays to read all")
    assert len(seen) >= behind


async def test_what_comes_while_a_member_waits_and_the_group_forms_anew_is_passed_over_by_nobody(
    bus: Bus, another: Callable[[], Bus]
) -> None:
    one = bus.subscribe("g", [TOPIC])
    await one.fetch(1, 0.01)
    waiting = asyncio.create_task(one.fetch(500, 8.0))
    other_bus = another()
    await other_bus.start()
    two = other_bus.subscribe("g", [TOPIC])
    await two.fetch(1, 0.01)
    await bus.publish([envelope(f"k{n}", 1) for n in range(40)])
    seen = {r.key for r in await waiting}

    async def all_seen() -> bool:
        for member in (one, two):
            seen.update(r.key for r in await member.fetch(500, 0.2))
        return len(seen) == 40

    await eventually(all_seen, "every record to be given to one of the two")
    await two.close()
    await other_bus.stop()


def positions(lags: list[Lag]) -> dict[int, int]:
    return {lag.partition: lag.position for lag in lags}


async def read_to_the_end(subscription: Subscription, count: int) -> Record:
    """Reads and stores everything; the last record."""
    records = await drain(subscription, count)
    await subscription.commit()
    return records[-1]


async def test_a_position_goes_back_where_its_owner_says_and_only_there(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in range(1, 6)] + [envelope(f"k{n}", 1) for n in range(20)])
    subscription = bus.subscribe("g", [TOPIC])
    await read_to_the_end(subscription, 25)
    at = (TOPIC, partition_of("a", ENTRY.partitions))
    before = positions(await bus.lag("g"))
    assert await subscription.seek(at, 1) == before[at[1]]
    assert positions(await bus.lag("g")) == {**before, at[1]: 1}
    again = await drain(subscription, before[at[1]] - 1)
    assert [record.offset for record in again] == list(range(1, before[at[1]]))
    assert {record.at for record in again} == {at}
    await subscription.commit()
    assert positions(await bus.lag("g")) == before


async def test_a_position_put_forward_skips_what_lies_between(bus: Bus) -> None:
    subscription = bus.subscribe("g", [TOPIC])
    await bus.publish([envelope("a", 1)])
    at = (await read_to_the_end(subscription, 1)).at
    await bus.publish([envelope("a", n) for n in range(2, 6)])
    assert await subscription.seek(at, 4) == 1
    assert [record.offset for record in await drain(subscription, 1)] == [4]


async def test_a_position_is_not_moved_by_who_does_not_own_it(bus: Bus, another: Callable[[], Bus]) -> None:
    await bus.publish([envelope("a", n) for n in range(1, 4)])
    owner = bus.subscribe("g", [TOPIC])
    at = (await read_to_the_end(owner, 3)).at
    stranger = another()
    await stranger.start()
    other = stranger.subscribe("g", [TOPIC])
    assert (owner.owns(at), other.owns(at)) == (True, False)
    assert await other.seek(at, 0) is None
    assert sum(positions(await bus.lag("g")).values()) == 3
    await stranger.stop()


async def test_a_topic_says_what_it_keeps_and_lets_it_be_read_without_a_group(bus: Bus) -> None:
    await bus.publish([envelope("a", n) for n in range(1, 6)])
    at = (TOPIC, partition_of("a", ENTRY.partitions))
    kept = await bus.kept(TOPIC)
    assert kept == {n: Kept(0, 5 if n == at[1] else 0) for n in range(4)}
    assert [r.envelope().streamversion for r in await bus.read(at, 2, 2)] == [3, 4]
    assert await bus.read(at, 5, 10) == []
    assert await bus.kept("onewindow.test.nothing") == {}


async def test_a_topic_with_another_partition_count_stops_the_start(bus: Bus) -> None:
    with pytest.raises(Misconfigured) as caught:
        await bus.declare([TopicEntry(TOPIC, "test", None, partitions=3)])
    assert TOPIC in str(caught.value)


async def test_order_between_topics_is_shuffled_for_tests_but_order_within_a_partition_is_kept(db: Database) -> None:
    shuffled = EmbeddedBus(db, shuffle=random.Random(7).shuffle)
    await shuffled.start()
    await shuffled.declare([ENTRY, OTHER_ENTRY])
    for version in range(1, 9):
        await shuffled.publish([envelope("a", version), envelope("b", version, OTHER)])
    records = await drain(shuffled.subscribe("g", [TOPIC, OTHER]), 16)
    for key in "ab":
        assert [r.envelope().streamversion for r in records if r.key == key] == list(range(1, 9))
    await shuffled.stop()
