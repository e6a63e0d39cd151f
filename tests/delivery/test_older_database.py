"""A database that was put back to an earlier moment, with the same Kafka still there: read on from where it stands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.kafka.local import LocalKafka
from shared.db.engine import Database
from shared.delivery.losses import LOST
from shared.metrics import METRICS
from shared.runtime.backup import databases
from tests.support.database import Server, eventually
from tests.support.kafka import own_url
from tests.support.toy import ANSWERS, NAME, REQUESTS, Add, Toy
from tests.support.toy_cases import ident, total

IDS = [ident(n) for n in range(12)]


async def read_up(toy: Toy, count: int) -> None:
    """Waits until the database has on record that it has applied so many requests, and the bus was told so."""

    async def reached() -> bool:
        lags = [lag for lag in await toy.bus.lag(NAME) if lag.topic == REQUESTS]
        rows = await toy.fetch("SELECT coalesce(sum(position), 0) AS n FROM toy.position WHERE topic = $1", REQUESTS)
        return sum(lag.position for lag in lags) == rows[0]["n"] == count

    await eventually(reached, f"{count} requests to be on record as applied", 30)


async def versions(toy: Toy) -> dict[str, list[int]]:
    """What stands on the topic of answers: the versions of each stream, each once, in the order they first came."""
    found: dict[str, dict[int, None]] = {}
    for partition, kept in (await toy.bus.kept(ANSWERS)).items():
        for record in await toy.bus.read((ANSWERS, partition), kept.begin, kept.end - kept.begin):
            envelope = record.envelope()
            found.setdefault(envelope.aggregateid, {})[envelope.streamversion] = None
    return {stream: list(seen) for stream, seen in found.items()}


async def test_what_came_after_the_backup_is_read_again_from_where_the_database_stands_and_counts_once(
    server: Server, db: Database, kafka: LocalKafka, tmp_path: Path
) -> None:
    """Nothing lost, nothing twice; and it is told, since what was done by hand after that moment is not on the bus."""
    url, kept = own_url(kafka), tmp_path / "kept.dump"
    before = Toy(db, tmp_path / "keys", kafka=url)
    await before.start()
    for version in (1, 2):
        await before.send(*((i, version, Add(n=version)) for i in IDS))
    for identity in IDS:
        await total(before, identity, 3)
    await read_up(before, 2 * len(IDS))
    await asyncio.to_thread(databases.dump, db.dsn, kept)
    await before.send(*((i, 3, Add(n=30)) for i in IDS))
    for identity in IDS:
        await total(before, identity, 33)
    await read_up(before, 3 * len(IDS))
    await before.stop()

    again = Database(await server.new_database(), 8)
    await asyncio.to_thread(databases.restore, again.dsn, kept)
    await again.open()
    lost = METRICS.lost.labels(NAME, REQUESTS)._value.get()
    after = Toy(again, tmp_path / "keys", kafka=url)
    try:
        await after.start(schema=False)
        await after.send(*((i, 4, Add(n=400)) for i in IDS))
        for identity in IDS:
            await total(after, identity, 433)
        await read_up(after, 4 * len(IDS))
        assert len(await after.fetch("SELECT 1 FROM toy.line")) == 4 * len(IDS)
        assert set(map(tuple, (await versions(after)).values())) == {(1, 2, 3, 4)}
        assert await after.service.parking.listing() == []
        rows = await after.service.resets.listing(0, 50)
        assert {(row["state"], row["topic"]) for row in rows} == {(LOST, REQUESTS)}
        assert sum(row["from"] - row["to"] for row in rows) == len(IDS)
        assert "数据库是较早的" in rows[0]["reason"]
        assert f"the database is older than what was read of {REQUESTS}" in after.service.losses.note()
        assert METRICS.lost.labels(NAME, REQUESTS)._value.get() == lost, "none is lost"
        for row in rows:
            await after.service.losses.look_after(row["number"], "operator", "compared with the register")
        assert after.service.losses.note() == ""
    finally:
        await after.stop()
        await again.close()


async def test_a_service_that_is_only_started_again_finds_nothing_to_tell(
    db: Database, kafka: LocalKafka, tmp_path: Path
) -> None:
    url = own_url(kafka)
    for count in (1, 2, 3):
        toy = Toy(db, tmp_path / "keys", kafka=url)
        await toy.start(schema=count == 1)
        await toy.send((ident(1), count, Add()))
        await total(toy, ident(1), count)
        if count == 2:  # as a release before this one left it
            async with db.connection() as conn:
                await conn.execute("DELETE FROM toy.position")
        await toy.stop()
        assert await toy.service.resets.listing(0, 50) == []
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT sum(position) FROM toy.position WHERE topic = $1", REQUESTS) == 3
