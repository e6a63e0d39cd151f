"""kill -9 of the platform, or of the broker, in the middle of cases on Kafka: each closes exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from deploy.kafka.local import LocalKafka
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
