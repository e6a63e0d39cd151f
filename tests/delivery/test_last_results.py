"""Two last results of a case at one instant, against the real database: it closes once, with both."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest
import pytest_asyncio

from shared.bus.port import Record
from shared.catalog import protocol as p
from shared.catalog.registry import load
from shared.config import Settings
from shared.crypto import Sealed
from shared.delivery.service import RunningService
from shared.messages import Envelope, Message, attributes, derived_id, event_id, topic_of, type_of
from shared.outcomes import Decision, Nature
from shared.runtime.host import Host
from tests.support.database import Server

CASES, AT_ONCE = 1000, 8
CATALOG = load()
FIRST, SECOND = [matter for matter in CATALOG.matters.values() if matter.nature is Nature.EX_OFFICIO][:2]
SEALED = Sealed(alg="A256GCM", kid="example.1-0", nonce="AAAA", ct="AAAA")


@pytest_asyncio.fixture
async def copies(server: Server, tmp_path: Path) -> AsyncIterator[list[RunningService]]:
    """Two copies of the coordinator on one database, each with its own connections."""
    settings = Settings(
        database_url=await server.new_platform_database(), keys=tmp_path / "keys", clock="fixed:2026-11-21T10:00+08:00"
    )
    hosts = [Host(settings, ["coordinator"]) for _ in range(2)]
    for host in hosts:
        await host.start()
    yield [host.services["coordinator"] for host in hosts]
    for host in hosts:
        await host.stop()


def record(service: RunningService, writer: str, kind: str, aggregate: UUID, case_id: UUID, message: Message) -> Record:
    """The first message of a stream, as it comes from the bus."""
    topic = topic_of(writer, kind)
    envelope = Envelope(
        id=event_id(topic, str(aggregate), 1),
        type=type_of("intake" if kind == "requests" else writer, type(message)),
        source="/onewindow/test",
        time=service.clock.now(),
        topic=topic,
        key=str(case_id),
        aggregateid=str(aggregate),
        streamversion=1,
        data=message.model_dump_json().encode(),
        caseid=str(case_id),
    )
    return Record(topic, 0, 0, envelope.key, attributes(envelope), envelope.data)


def case_id(n: int) -> UUID:
    return derived_id("last results", n)


def item_id(n: int, matter: str) -> UUID:
    return derived_id(case_id(n), matter)


def opened(service: RunningService, n: int) -> Record:
    """A case of two items that wait for nothing."""
    items = tuple(
        p.PlannedItem(
            item_id=item_id(n, matter.code),
            matter=matter.code,
            service=matter.service,
            nature=matter.nature,
            unit="420112",
            check="none",
            sealed=SEALED,
        )
        for matter in (FIRST, SECOND)
    )
    message = p.ApplicationSubmitted(
        case_id=case_id(n),
        application_no=f"case-{n}",
        bundle=None,
        definition="0" * 64,
        accept_region="420112",
        channel="window",
        received_at=service.clock.now(),
        items=items,
    )
    return record(service, "coordinator", "requests", case_id(n), case_id(n), message)


def decided(service: RunningService, n: int, matter: str) -> Record:
    message = p.ItemDecided(
        item_id=item_id(n, matter),
        case_id=case_id(n),
        round=1,
        outcome=Decision.APPROVED,
        reason_code="MET",
        law="law",
        decided_at=service.clock.now(),
    )
    return record(service, matter.partition(".")[0], "answers", message.item_id, case_id(n), message)


@pytest.mark.faults
async def test_two_last_results_at_one_instant_close_the_case_exactly_once(copies: list[RunningService]) -> None:
    """I3: a join fires exactly once, however many see it complete."""
    one, other = copies
    for start in range(0, CASES, 50):
        await one.hearing.handle([opened(one, n) for n in range(start, start + 50)])
    order = random.Random(3)
    turns = asyncio.Semaphore(AT_ONCE)

    async def last_two(n: int) -> None:
        both = [
            one.hearing.handle([decided(one, n, FIRST.code)]),
            other.hearing.handle([decided(other, n, SECOND.code)]),
        ]
        order.shuffle(both)
        async with turns:
            await asyncio.gather(*both)

    await asyncio.gather(*(last_two(n) for n in range(CASES)))
    await check_closed_once_with_both(one)


async def check_closed_once_with_both(service: RunningService) -> None:
    """What the log says of every case."""
    async with service.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT key, headers->>'type' AS type, headers->>'streamversion' AS version, data FROM bus.record"
            " WHERE topic = 'onewindow.coordinator.events' ORDER BY partition, \"offset\""
        )
        assert await conn.fetchval("SELECT count(*) FROM coordinator.outbox") == 0
    last = {row["key"]: row for row in rows}
    closings = Counter(row["key"] for row in rows if row["type"].endswith(".CaseClosed.v1"))
    concluded = Counter[str]()
    assert len(last) == CASES
    assert closings == Counter(dict.fromkeys(last, 1))
    for row in last.values():
        view = orjson.loads(row["data"])["case"]
        assert row["type"].endswith(".CaseClosed.v1")
        assert (view["status"], view["outcome"]) == ("closed", "approved")
        assert [item["result"]["outcome"] for item in view["items"]] == ["approved", "approved"]
    for row in rows:
        if row["type"].endswith(".ItemConcluded.v1"):
            concluded[orjson.loads(row["data"])["item_id"]] += 1
    assert set(concluded.values()) == {1}
    assert len(concluded) == 2 * CASES
