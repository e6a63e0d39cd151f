"""What is kept for a time goes after it, and nothing before, nor what somebody has yet to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.bus import retention
from shared.bus.port import Kept
from shared.catalog.model import TopicEntry
from shared.db.engine import Database
from shared.delivery import retention as stored
from tests.delivery.test_delivery import ident, total
from tests.support.database import eventually
from tests.support.toy import CATALOG, REQUESTS, Add, Toy

TOPICS: list[TopicEntry] = list(CATALOG.topics.values())


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start()
    yield made
    await made.stop()


async def age(toy: Toy, days: int, topic: str = REQUESTS) -> None:
    await toy.fetch(
        "UPDATE bus.record SET appended_at = appended_at - $1 * interval '1 day' WHERE topic = $2", days, topic
    )


async def kept(toy: Toy) -> int:
    return sum(one.end - one.begin for one in (await toy.bus.kept(REQUESTS)).values())


async def all_read(toy: Toy) -> None:
    async def read() -> bool:
        return not any(lag.records for lag in await toy.bus.lag("toy"))

    await eventually(read, "everything to be read, and the positions stored")


async def test_requests_are_kept_for_their_days_and_offsets_stay_dense(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9; a broker does the same: `retention.ms`."""
    monkeypatch.setattr(retention, "MOST", 3)
    (days,) = {topic.days for topic in TOPICS if topic.name == REQUESTS}
    assert days == 90
    await toy.send(*((ident(n), 1, Add()) for n in range(20)))
    await asyncio.gather(*(total(toy, ident(n), 1) for n in range(20)))
    await all_read(toy)
    await age(toy, 89)
    assert await retention.let_go(toy.db, TOPICS) == 0
    await age(toy, 2)
    await toy.send(*((ident(n), 2, Add()) for n in range(5)))
    await asyncio.gather(*(total(toy, ident(n), 2) for n in range(5)))
    assert await retention.let_go(toy.db, TOPICS) == 20
    assert await kept(toy) == 5
    await toy.send((ident(0), 3, Add()))
    await total(toy, ident(0), 3)


async def test_what_nobody_read_yet_stays_however_old_it_is(toy: Toy) -> None:
    """An outage longer than the topic keeps its records loses nothing on the log in the database."""
    await toy.supervisor.stop()
    await toy.send(*((ident(n), 1, Add()) for n in range(5)))
    await age(toy, 365)
    assert await retention.let_go(toy.db, TOPICS) == 0
    assert await kept(toy) == 5


async def test_dead_letters_go_though_no_group_reads_them(toy: Toy) -> None:
    (dead,) = [topic for topic in TOPICS if topic.dead]
    row = "INSERT INTO bus.record (topic, partition, \"offset\", key, headers, data) VALUES ($1, 0, 0, '', '{}', '')"
    await toy.fetch(row, dead.name)
    assert await retention.let_go(toy.db, TOPICS) == 0
    await age(toy, 91, dead.name)
    assert await retention.let_go(toy.db, TOPICS) == 1


async def test_what_is_kept_for_good_stays(toy: Toy) -> None:
    forever = [TopicEntry(t.name, t.writer, t.readers, t.partitions, days=None) for t in TOPICS]
    await toy.send((ident(1), 1, Add()))
    await total(toy, ident(1), 1)
    await all_read(toy)
    await age(toy, 3650)
    assert await retention.let_go(toy.db, forever) == 0
    assert {one.begin for one in (await toy.bus.kept(REQUESTS)).values()} == {Kept(0, 0).begin}


async def test_a_stored_answer_is_kept_four_hundred_days(toy: Toy) -> None:
    await toy.supervisor.stop()  # its own look, at the start, may come late
    for n, days in enumerate((0, 399, 401)):
        await toy.fetch(
            "INSERT INTO toy.idempotency (principal, route, key, body_hash, status, answer, created_at)"
            " VALUES ('p', 'r', $1, '', 200, '', clock_timestamp() - $2 * interval '1 day')",
            str(n),
            days,
        )
    assert await stored.let_go(toy.service) == 1
    assert [row["key"] for row in await toy.fetch("SELECT key FROM toy.idempotency ORDER BY 1")] == ["0", "1"]
