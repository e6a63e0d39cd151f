"""The toy service on each bus in turn, and bytes on its topic that no service of ours ever wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from shared.bus import embedded_sql
from shared.bus.kafka import KafkaBus
from shared.db.engine import Database
from tests.support.kafka import own_url
from tests.support.toy import REQUESTS, Toy

Make = Callable[[], Toy]
BUSES = ("embedded", "kafka")


@pytest.fixture(params=BUSES)
def make(request: pytest.FixtureRequest, db: Database, tmp_path: Path) -> Make:
    """Makes copies of one toy service, on the log in the database or on a real Kafka."""
    kafka = own_url(request.getfixturevalue("kafka")) if request.param == "kafka" else None
    return lambda: Toy(db, tmp_path / "keys", kafka=kafka)


async def scribble(toy: Toy, headers: dict[str, str], data: bytes, *, partition: int = 0, key: str = "?") -> None:
    """One record on the toy's requests as somebody else might write it."""
    if isinstance(toy.bus, KafkaBus):
        await scribble_bytes(toy, [(f"ce_{n}", v.encode()) for n, v in headers.items()], data, key.encode(), partition)
        return
    async with toy.db.transaction() as conn:
        row = ([REQUESTS], [partition], [key], [orjson.dumps(headers).decode()], [data])
        await conn.fetch(embedded_sql.APPEND + embedded_sql.PLACE, *row)


async def scribble_bytes(
    toy: Toy, headers: list[tuple[str, bytes]], data: bytes, key: bytes | None, partition: int = 0
) -> None:
    """One record on a Kafka topic, byte by byte."""
    assert isinstance(toy.bus, KafkaBus)
    link = toy.bus.link
    producer = AIOKafkaProducer(bootstrap_servers=link.servers)
    await producer.start()
    try:
        await producer.send_and_wait(link.prefix + REQUESTS, data, key, partition=partition, headers=headers)
    finally:
        await producer.stop()
