"""When a Kafka client is kept and when it is thrown away: the member that a group knows is not given up lightly."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition

from shared.bus import kafka_subscription
from shared.bus.kafka_link import Link
from shared.bus.kafka_subscription import KafkaSubscription
from shared.errors import Transient

PLACE = TopicPartition("onewindow.toy.requests", 0)
BODY = {"key": b"k", "headers": (), "value": b"{}"}


class Client:
    """A member of a group whose broker is away: a commit waits, or says what the test has it say."""

    def __init__(self, says: Exception | None = None) -> None:
        self.says = says
        self.answers = False
        self.stopped = False
        self._fetcher = self._client = None

    async def commit(self, offsets: Any) -> None:
        if self.says is not None:
            raise self.says
        if not self.answers:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped = True


class Log:
    """A member that reads five records, and whose group is shared out anew while it waits for them."""

    def __init__(self) -> None:
        self.subscription = KafkaSubscription(SimpleNamespace(link=Link("")), "toy", [PLACE.topic])  # type: ignore[arg-type]
        self.subscription._consumer = self
        self.position, self.rebalances = 0, 1

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    async def committed(self, place: TopicPartition) -> int:
        return 0

    def seek(self, place: TopicPartition, position: int) -> None:
        self.position = position

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        if self.rebalances:
            self.rebalances -= 1
            await self.subscription.on_partitions_revoked({PLACE})
        first, self.position = self.position, min(5, self.position + max_records)
        records = [SimpleNamespace(**PLACE._asdict(), **BODY, offset=n) for n in range(first, self.position)]
        return {PLACE: records} if records else {}


async def test_what_came_while_the_group_was_shared_out_anew_is_given_again() -> None:
    """I1: the client's own position is beyond it by then, and nobody else will read it."""
    log = Log()
    given: list[int] = []
    for _ in range(4):
        given += [record.offset for record in await log.subscription.fetch(3, 0.01)]
    assert given == [0, 1, 2, 3, 4]


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_subscription, "COMMIT_SECONDS", 0.01)


def with_something_to_commit(client: Client) -> KafkaSubscription:
    subscription = KafkaSubscription(None, "toy", [PLACE.topic])  # type: ignore[arg-type]
    subscription._consumer = client
    subscription._stored, subscription._next = {PLACE: 0}, {PLACE: 5}
    return subscription


async def test_a_member_whose_broker_is_away_for_a_while_stays_the_member_it_is() -> None:
    client = Client()
    subscription = with_something_to_commit(client)
    for _ in range(3):
        with pytest.raises(Transient):
            await subscription.commit()
    assert not client.stopped
    client.answers = True
    await subscription.commit()
    assert subscription._stored == {PLACE: 5}


async def test_a_member_that_waits_for_ever_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_subscription, "GIVE_UP_SECONDS", 0.03)
    client = Client()
    subscription = with_something_to_commit(client)
    while subscription._consumer is not None:
        with pytest.raises(Transient):
            await subscription.commit()
    assert client.stopped


async def test_a_member_that_the_group_has_given_up_is_thrown_away_at_once() -> None:
    client = Client(CommitFailedError())
    subscription = with_something_to_commit(client)
    with pytest.raises(Transient):
        await subscription.commit()
    assert client.stopped
