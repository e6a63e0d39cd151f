"""A principal a service: what the catalogue does not name, Kafka does not allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deploy.kafka.local import LocalKafka
from deploy.kafka.settings import ADMIN
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_acls import grants
from shared.bus.kafka_link import Link
from shared.catalog.registry import load
from shared.db.engine import Database
from shared.errors import Misconfigured
from shared.messages import Envelope, event_id, topic_of
from tests.support.kafka import PASSWORDS

CATALOG = load()
TWO = ("funeral", "assistance")


@pytest.fixture(scope="module", autouse=True)
def two_may(guarded: LocalKafka) -> None:
    """Two services have the rights that the catalogue gives them."""
    guarded.grant(grant for grant in grants(CATALOG) if grant.service in TWO)


def as_account(node: LocalKafka, db: Database, name: str, password: str = "") -> KafkaBus:
    return KafkaBus(Link(node.servers, "", name, password or PASSWORDS[name]))


def envelope(topic: str) -> Envelope:
    return Envelope(
        id=event_id(topic, "a", 1),
        type="cn.onewindow.test.Happened.v1",
        source="/onewindow/test",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        topic=topic,
        key="a",
        aggregateid="a",
        streamversion=1,
        data=b"{}",
    )


async def test_a_service_reads_and_writes_its_own_and_nothing_of_another(guarded: LocalKafka, db: Database) -> None:
    admin, funeral, assistance = (as_account(guarded, db, name) for name in (ADMIN, *TWO))
    topics = list(CATALOG.topics.values())
    for bus in (admin, funeral, assistance):
        await bus.start()
        await bus.declare(topics)
    await admin.publish([envelope(topic_of(name, "requests")) for name in TWO])
    assert await funeral.name() == await admin.name(), "who a bus is, every account may know"
    own = funeral.subscribe("funeral", [topic_of("funeral", "requests")])
    assert len(await own.fetch(10, 30)) == 1
    await own.commit()
    await funeral.publish([envelope(topic_of("funeral", "events"))])
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS_USER"):
        await funeral.subscribe("funeral", [topic_of("assistance", "requests")]).fetch(10, 1)
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS_USER"):
        await funeral.publish([envelope(topic_of("assistance", "events"))])
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS_USER"):
        await funeral.subscribe("assistance", [topic_of("funeral", "requests")]).fetch(10, 1)
    await assistance.publish([envelope(topic_of("assistance", "events"))])
    for bus in (admin, funeral, assistance):
        await bus.stop()


async def test_a_wrong_password_stops_the_start_by_name(guarded: LocalKafka, db: Database) -> None:
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS_PASSWORD"):
        await as_account(guarded, db, "funeral", "guessed").start()


async def test_a_missing_topic_is_made_by_the_administrator_only(guarded: LocalKafka, db: Database) -> None:
    funeral = as_account(guarded, db, "funeral")
    missing = replace(CATALOG.topics[topic_of("funeral", "events")], name="onewindow.funeral.more")
    await funeral.declare([missing])  # Kafka does not tell this account a missing topic from another's
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS_USER"):
        await funeral.publish([envelope(missing.name)])
    await funeral.stop()


def test_every_topic_of_the_catalogue_has_its_writer_and_somebody_who_may_read_it() -> None:
    given = list(grants(CATALOG))
    for topic in CATALOG.topics.values():
        assert [g.service for g in given if topic.name in g.topics and "Write" in g.operations] == [topic.writer]
        readers = {g.service for g in given if topic.name in g.topics and "Read" in g.operations}
        assert readers == set(topic.readers or CATALOG.services)
