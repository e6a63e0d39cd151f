"""The platform with a database server of its own: killed alone, or with the platform as when the power fails."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from shared.db.postgres import EmbeddedPostgres
from tests.faults.history import bus_embedded
from tests.faults.history.checking import check
from tests.faults.history.client import ClientLog
from tests.faults.history.lines import read_lines
from tests.faults.load import Client, today_at
from tests.faults.rounds import numbers_of
from tests.faults.topology import Together
from tests.support.database import eventually

CASES = 24


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("with_the_platform", [False, True])
async def test_a_platform_whose_own_database_is_killed_goes_on_or_ends_loudly_and_loses_nothing(
    tmp_path: Path, with_the_platform: bool
) -> None:
    """I1: alone, the server is started again by the platform; together, both by whoever starts the platform."""
    platform = Together(tmp_path / "platform", dsn="")
    try:
        await platform.start()
        await attacked(platform, tmp_path / "client.jsonl", with_the_platform)
        await platform.stop()
        dsn = await asyncio.to_thread(EmbeddedPostgres(platform.folder).start)
        assert check(read_lines(tmp_path / "client.jsonl"), await bus_embedded.records(dsn)) == []
    finally:
        await platform.stop()
        await asyncio.to_thread(EmbeddedPostgres(platform.folder).remove)


async def attacked(platform: Together, seen: Path, with_the_platform: bool) -> None:
    """A load, in the middle of which the server is killed; returns when all of it is closed."""
    with ClientLog(seen) as log:
        async with Client(platform.url, await today_at(platform.url), log) as client, asyncio.TaskGroup() as group:
            group.create_task(client.run(numbers_of(seen.parent.name, CASES)))
            await eventually(lambda: len(client.answered) >= CASES // 3, "cases to be in flight", 60)
            os.kill(
                int((EmbeddedPostgres(platform.folder).cluster / "postmaster.pid").read_text().split()[0]),
                signal.SIGKILL,
            )
            if with_the_platform:
                await platform.kill()
                await platform.restart()
            else:
                manager = asyncio.create_task(platform.tended())
                await eventually(lambda: len(client.concluded) == CASES, "all to be closed", 300, 0.1)
                manager.cancel()
        log.rest()
