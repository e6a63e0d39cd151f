"""The platform on a real Kafka: the main job, and the move from one bus to the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.kafka.local import LocalKafka
from shared.config import Settings
from shared.errors import Misconfigured
from shared.runtime.host import Host
from tests.support.database import Server, eventually
from tests.support.kafka import own_url
from tests.support.platform import NOW, run_platform
from tests.support.sample import sample


async def test_the_sample_of_the_contract_closes_on_kafka_with_the_same_figures(
    server: Server, kafka: LocalKafka
) -> None:
    async with run_platform(await server.new_database(), bus=own_url(kafka)) as platform:
        received = await platform.submit(sample())
        closed = await platform.closed(received["application_no"])
        items = {item["matter"]: item for item in closed["items"]}
        assert closed["outcome"] == "approved"
        assert items["funeral.fee_waiver"]["result"]["waived"] == "980.00"
        assert items["elderly.benefit_stop"]["result"]["owed"] == "200.00"

        async def drained() -> bool:
            return not any(lag.records for lag in await platform.host.bus.lag())

        await eventually(drained, "every event to be read")


async def test_a_bus_is_refused_while_another_holds_unread_records_and_taken_once_it_is_drained(
    server: Server, kafka: LocalKafka, tmp_path: Path
) -> None:
    dsn = await server.new_database()
    common = {"database_url": dsn, "keys": tmp_path / "keys", "demo": True, "clock": f"virtual:{NOW}@1"}
    embedded, moved = Settings(**common), Settings(**common, bus=own_url(kafka))
    async with run_platform(dsn, keys=tmp_path / "keys") as platform:
        await platform.host.supervisor.stop()
        await platform.submit(sample()) if False else None
    await leave_unread(dsn, 1)
    with pytest.raises(Misconfigured, match="unread"):
        await started(moved)
    async with Host(embedded).running() as host:

        async def drained() -> bool:
            return not any(lag.records for lag in await host.bus.lag())

        await eventually(drained, "the embedded log to be drained")
    await started(moved)
    await started(moved)  # the move is remembered


async def leave_unread(dsn: str, count: int) -> None: ...


async def started(settings: Settings) -> None:
    async with Host(settings).running():
        await asyncio.sleep(0)
