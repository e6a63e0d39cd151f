"""The platform apart: a process, a database and a Kafka account a service, behind its gateway; one for all stories."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from demo.client import Client
from deploy.apart.gateway import NoGateway
from deploy.apart.house import Apart
from deploy.kafka.local import LocalKafka
from deploy.kafka.settings import ADMIN
from shared.bus.kafka_link import Link
from shared.db.postgres import EmbeddedPostgres
from tests.support.kafka import PASSWORDS
from tests.support.platform import NOW, Platform

PREFIX = "apart."
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The gateway of the tests speaks plain HTTP; a client that reads all authorities first costs a tenth of a second."""

COPIES = {"intake": 2, "funeral": 2}
"""Services of which one may end without anybody noticing."""


class Remote(Platform):
    """Spoken to over the gateway; its bus is read as the administrator."""

    def __init__(self, house: Apart, link: Link) -> None:
        super().__init__()
        self.house, self._link = house, link
        with Client(house.url) as client:
            self._today = client.today()

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.house.url, timeout=30, trust_env=False, verify=NO_TLS)

    @property
    def today(self) -> date:
        return self._today

    def explain(self) -> None:
        for program in self.house.all():
            print(program.name, "runs" if program.running else "ended", program.log.read_text("utf-8")[-1000:])

    async def records(self, topic: str, key: str) -> list[tuple[str, bytes]]:
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._link.servers, enable_auto_commit=False, **self._link.options()
        )
        await reader.start()
        try:
            name = self._link.prefix + topic
            places = [TopicPartition(name, n) for n in await _partitions(reader, name)]
            reader.assign(places)
            await reader.seek_to_beginning(*places)
            return [found async for found in _until_the_end(reader, places, key.encode())]
        finally:
            await reader.stop()


async def _partitions(reader: AIOKafkaConsumer, topic: str) -> set[int]:
    reader._client.add_topic(topic)
    await reader._client.force_metadata_update()
    return reader.partitions_for_topic(topic) or set()


async def _until_the_end(
    reader: AIOKafkaConsumer, places: list[TopicPartition], key: bytes
) -> AsyncIterator[tuple[str, bytes]]:
    ends = await reader.end_offsets(places)
    while any([await reader.position(place) < end for place, end in ends.items()]):
        for got in (await reader.getmany(timeout_ms=200)).values():
            for one in got:
                if one.key == key:
                    yield dict(one.headers)["ce_type"].decode(), one.value or b""


@pytest.fixture(scope="package")
def apart(guarded: LocalKafka) -> Iterator[Remote]:
    """The platform apart; skipped, with the reason, where nginx is missing."""
    folder = Path(tempfile.mkdtemp(prefix="onewindow-apart-"))
    postgres = EmbeddedPostgres(folder / "postgres", connections=150)
    house = Apart(folder, guarded, PASSWORDS, prefix=PREFIX, clock=f"virtual:{NOW}@1", copies=COPIES)
    try:
        postgres.start()
        assert postgres.address is not None
        house.start(postgres.address.superuser_dsn)
        yield Remote(house, Link(guarded.servers, PREFIX, ADMIN, PASSWORDS[ADMIN]))
    except NoGateway as cause:
        pytest.skip(str(cause))
    finally:
        house.stop()
        postgres.remove()
        shutil.rmtree(folder, ignore_errors=True)
