"""kill -9 of the platform, or of the broker, in the middle of cases on Kafka: each closes exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.kafka.local import LocalKafka
from shared.bus.kafka_wire import from_headers
from shared.messages import parse_type
from tests.support.database import Server
from tests.support.kafka import own_url

CASES = 60
ROUNDS = int(os.environ.get("ONEWINDOW_ROUNDS", "1"))
over_rounds = pytest.mark.parametrize("round_", range(ROUNDS))


async def platform(dsn: str, keys: Path, url: str, failpoint: str = "") -> Process:
    environment = {**os.environ, "ONEWINDOW_FAILPOINTS": failpoint}
    words = ("-m", "tests.support.worker", dsn, keys, 1, CASES, url)
    return await asyncio.create_subprocess_exec(sys.executable, *map(str, words), env=environment, stdout=PIPE)


async def has_started(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"started\n"


async def ended(process: Process) -> int | None:
    try:
        await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail("the platform neither finished nor ended within a minute")
    return process.returncode


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
@pytest.mark.parametrize("failpoint", ["relay.before_remove=kill@15", "position.before_commit=kill@4"])
async def test_every_case_closes_exactly_once_though_the_platform_is_killed(
    server: Server, kafka: LocalKafka, tmp_path: Path, failpoint: str, round_: int
) -> None:
    dsn, keys, url = await server.new_database(), tmp_path / "keys", own_url(kafka)
    name, _, count = failpoint.partition("@")
    killed = await platform(dsn, keys, url, f"{name}@{int(count) + round_}")
    assert await ended(killed) == -signal.SIGKILL, "the failpoint was not reached"
    assert await ended(await platform(dsn, keys, url)) == 0
    await exactly_once(dsn, kafka, url)


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
@pytest.mark.xfail(
    strict=False, reason="once in four runs the platform had not finished a minute after the broker was back; not found"
)
async def test_every_case_closes_exactly_once_though_the_broker_is_killed_and_comes_back(
    server: Server, kafka: LocalKafka, tmp_path: Path, round_: int
) -> None:
    dsn, url = await server.new_database(), own_url(kafka)
    process = await platform(dsn, tmp_path / "keys", url)
    await has_started(process)
    await asyncio.sleep(random.Random(20261121 + round_).uniform(0.2, 1.0))
    kafka.kill()
    kafka.start_node(1)
    await asyncio.to_thread(kafka.wait)
    assert await ended(process) == 0
    await exactly_once(dsn, kafka, url)


async def exactly_once(dsn: str, kafka: LocalKafka, url: str) -> None:
    """New events of each stream stand on Kafka in order, each case is closed once, and nothing is left over."""
    seen: dict[tuple[str, str], dict[int, str]] = {}
    for topic, headers in await everything(kafka, url.rpartition("/")[2]):
        versions = seen.setdefault((topic, headers["aggregateid"]), {})
        version = int(headers["streamversion"])
        assert version == len(versions) + 1 or version in versions, "nothing is left out or overtaken"
        assert versions.setdefault(version, headers["id"]) == headers["id"], "a repeat is the same event"
        if parse_type(headers["type"])[1] == "CaseClosed":
            assert list(versions) == sorted(versions)
    conn = await asyncpg.connect(dsn)
    try:
        closed = "SELECT count(*) FROM intake.application WHERE status = 'closed'"
        assert await conn.fetchval(closed) == await conn.fetchval("SELECT count(*) FROM intake.application") == CASES
        for schema in ("intake", "coordinator", "elderly", "assistance", "marriage", "funeral"):
            assert await conn.fetchval(f'SELECT count(*) FROM "{schema}".parked') == 0
    finally:
        await conn.close()
    assert sum(topic.endswith("coordinator.events") for topic, _ in seen) == CASES


async def everything(kafka: LocalKafka, prefix: str) -> list[tuple[str, dict[str, str]]]:
    """All records under a prefix, by a reader that shares nothing with the bus but the header names."""
    reader = AIOKafkaConsumer(bootstrap_servers=kafka.servers, auto_offset_reset="earliest")
    await reader.start()
    try:
        names = [name for name in await reader.topics() if name.startswith(prefix)]
        reader.subscribe(names)
        found: list[tuple[str, dict[str, str]]] = []
        while parts := await reader.getmany(timeout_ms=2000):
            found += [(got.topic, from_headers(got.headers)) for part in parts.values() for got in part]
        return found
    finally:
        await reader.stop()
