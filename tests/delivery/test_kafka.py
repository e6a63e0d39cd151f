"""Delivery over a real Kafka: the outbox relayed once in effect and in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.kafka.local import LocalKafka
from shared import failpoints
from shared.bus import kafka as kafka_bus
from shared.clock import new_id
from shared.db.engine import Database
from shared.errors import Transient
from shared.messages import derived_id
from tests.support.database import eventually
from tests.support.kafka import own_url
from tests.support.toy import ANSWERS, REQUESTS, Add, Toy

Make = Callable[[], Toy]


@pytest.fixture
def make(db: Database, tmp_path: Path, kafka: LocalKafka) -> Make:
    """Makes copies of one toy service on one set of topics."""
    url = own_url(kafka)
    return lambda: Toy(db, tmp_path / "keys", kafka=url)


@pytest_asyncio.fixture
async def toy(make: Make) -> AsyncIterator[Toy]:
    made = make()
    await made.start()
    yield made
    failpoints.arm("")
    await made.stop()


def ident(n: int) -> UUID:
    return derived_id("toy", n)


async def total(toy: Toy, identity: UUID, wanted: int) -> None:
    async def reached() -> bool:
        tally = await toy.tally(identity)
        return tally is not None and tally.total == wanted

    await eventually(reached, f"a total of {wanted}", 30)


async def answers(toy: Toy, streams: int, each: int) -> dict[str, list[int]]:
    """What a reader sees of the toy's answers, repeats and all: stream versions by aggregate."""
    seen: dict[str, list[int]] = {}
    reader = toy.bus.subscribe("reader", [ANSWERS])

    async def complete() -> bool:
        for record in await reader.fetch(500, 0.2):
            envelope = record.envelope()
            seen.setdefault(envelope.aggregateid, []).append(envelope.streamversion)
        return len(seen) == streams and all(set(v) >= set(range(1, each + 1)) for v in seen.values())

    await eventually(complete, f"{each} answers of {streams} streams", 30)
    await reader.close()
    return seen


async def outbox_is_empty(toy: Toy) -> None:
    async def empty() -> bool:
        return await toy.fetch("SELECT 1 FROM toy.outbox") == []

    await eventually(empty, "the outbox to be relayed")


async def test_a_message_delivered_again_and_again_has_its_effect_once(toy: Toy) -> None:
    for _ in range(5):
        await toy.send((ident(1), 1, Add(n=3)), (ident(1), 2, Add(n=4)))
    await total(toy, ident(1), 7)
    await outbox_is_empty(toy)
    assert len(await toy.fetch("SELECT 1 FROM toy.line")) == 2
    assert await answers(toy, 1, 2) == {str(ident(1)): [1, 2]}


async def test_a_poison_message_parks_its_own_key_and_no_other(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()), (ident(1), 2, Add(poison=True)), (ident(1), 3, Add()), (ident(2), 1, Add()))
    await total(toy, ident(2), 1)
    await total(toy, ident(1), 1)

    async def both_parked() -> bool:
        return len(await toy.service.parking.listing()) == 2

    await eventually(both_parked, "the poison and the one behind it to be parked")


@pytest.mark.parametrize("failpoint", ["relay.before_publish", "relay.before_remove", "relay.after_publish"])
async def test_a_relay_that_fails_repeats_but_neither_loses_nor_overtakes(toy: Toy, failpoint: str) -> None:
    ids = [ident(n) for n in range(20)]
    for version in range(1, 6):
        failpoints.arm(f"toy/{failpoint}=error")
        await toy.send(*((i, version, Add()) for i in ids))
        await eventually(lambda: not failpoints._armed, "the failure")
    for i in ids:
        await total(toy, i, 5)
    await outbox_is_empty(toy)
    for versions in (await answers(toy, 20, 5)).values():
        firsts = list(dict.fromkeys(versions))
        assert firsts == [1, 2, 3, 4, 5], "what is new comes in order, whatever is repeated"


async def test_a_producer_that_was_given_up_sends_nothing_more(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """I2: what it still holds is published anew by the next one, and must not come a second time, late."""
    monkeypatch.setattr(kafka_bus, "REQUEST_MS", 20_000)
    await toy.send((ident(1), 1, Add()))
    cluster = toy.bus._producer.client.cluster
    with monkeypatch.context() as during:
        during.setattr(kafka_bus, "PUBLISH_SECONDS", 0.3)
        during.setattr(cluster, "leader_for_partition", lambda _: -1)
        with pytest.raises(Transient):
            await toy.send((ident(1), 2, Add()))
    reader = toy.bus.subscribe("reader", [REQUESTS])
    seen: list[int] = []

    async def read(last: int) -> bool:
        seen.extend(record.envelope().streamversion for record in await reader.fetch(500, 0.2))
        return last in seen

    for version in (2, 3, 4):
        await toy.send((ident(1), version, Add()))
        await eventually(partial(read, version), f"version {version} on the log")
    await reader.close()
    assert seen == [1, 2, 3, 4]


async def test_a_redelivery_after_a_restart_is_dropped_by_the_streams_version(toy: Toy, make: Make) -> None:
    await toy.send((ident(1), 1, Add(n=3)))
    await total(toy, ident(1), 3)
    failpoints.arm("toy/position.before_commit=error")
    await toy.send((ident(1), 2, Add(n=3)))
    await total(toy, ident(1), 6)
    await toy.stop()
    again = make()
    await again.start(schema=False)
    await again.send((ident(1), 3, Add(n=1)))
    await total(again, ident(1), 7)
    assert len(await again.fetch("SELECT 1 FROM toy.line")) == 3
    await again.stop()


async def test_two_copies_of_a_service_share_the_work_and_nothing_is_done_twice(toy: Toy, make: Make) -> None:
    other = make()
    await other.start(schema=False)
    ids = [new_id() for _ in range(40)]
    for version in range(1, 4):
        await toy.send(*((i, version, Add(ask=f"a{version}", timer_after=0)) for i in ids))

    async def done() -> bool:
        rows = await toy.fetch("SELECT total, json_array_length(body->'seen_answers') AS a FROM toy.tally")
        return len(rows) == 40 and all(r["total"] == 3 and r["a"] == 3 for r in rows)

    await eventually(done, "all to be counted", 40)
    await outbox_is_empty(toy)
    assert len(await toy.fetch("SELECT 1 FROM toy.line")) == 120
    await other.stop()
    assert {tuple(v) for v in (await answers(toy, 40, 3)).values()} == {(1, 2, 3)}


async def test_the_outbox_of_a_copy_that_ended_is_relayed_by_the_one_that_stays(toy: Toy, make: Make) -> None:
    other = make()
    await other.start(schema=False)
    await toy.send((ident(1), 1, Add()))
    await total(toy, ident(1), 1)
    await toy.supervisor.stop()
    await toy.presence.stop()
    await other.send((ident(1), 2, Add()))
    await total(other, ident(1), 2)
    await outbox_is_empty(other)
    told = await answers(other, 1, 2)
    await other.stop()
    assert {aggregate: sorted(set(versions)) for aggregate, versions in told.items()} == {str(ident(1)): [1, 2]}


async def test_a_broker_that_stands_still_for_a_while_stops_nothing_for_good(toy: Toy, kafka: LocalKafka) -> None:
    await toy.send((ident(1), 1, Add()))
    await total(toy, ident(1), 1)
    kafka.signal(1, signal.SIGSTOP)
    try:
        sending = asyncio.create_task(toy.send((ident(1), 2, Add())))
        await asyncio.wait({sending}, timeout=8)
    finally:
        kafka.signal(1, signal.SIGCONT)
    await asyncio.gather(sending, return_exceptions=True)
    await toy.send((ident(1), 2, Add()), (ident(1), 3, Add()))
    await total(toy, ident(1), 3)
    assert toy.supervisor.failed == {}
    assert await toy.service.parking.listing() == []
