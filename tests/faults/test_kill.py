"""kill -9 of the platform at every failpoint, in the middle of 200 cases: each closes exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import orjson
import pytest

from shared.failpoints import FAILPOINTS
from shared.messages import parse_type
from tests.support.database import Server

CASES = 200
ROUNDS = int(os.environ.get("ONEWINDOW_ROUNDS", "1"))
MOMENTS = {"position.before_commit": 4, "timer.before": 1, "command.before_commit": 3, "command.after_commit": 3}
"""The how-manieth time a failpoint is reached that kills; about the middle of the work for each."""


async def worker(dsn: str, keys: Path, failpoint: str = "") -> int:
    """Runs the platform over all cases; its exit code (negative: the signal that killed it)."""
    environment = {**os.environ, "ONEWINDOW_FAILPOINTS": failpoint}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.worker", dsn, str(keys), "1", str(CASES)), env=environment
    )
    return await asyncio.wait_for(process.wait(), 90)


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("failpoint", sorted(set(FAILPOINTS) - {"timer.before"}))
async def test_every_case_closes_exactly_once_though_the_platform_is_killed(
    server: Server, tmp_path: Path, failpoint: str, round_: int
) -> None:
    dsn, keys = await server.new_database(), tmp_path / "keys"
    moment = MOMENTS.get(failpoint, 20) + round_
    assert await worker(dsn, keys, f"{failpoint}=kill@{moment}") == -signal.SIGKILL, "the failpoint was not reached"
    assert await worker(dsn, keys) == 0
    await exactly_once(dsn, CASES)


async def exactly_once(dsn: str, cases: int) -> None:
    """What must hold of the log and the rows, whatever happened on the way."""
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch('SELECT topic, headers FROM bus.record ORDER BY topic, partition, "offset"')
        versions: dict[tuple[str, str], list[int]] = {}
        events: Counter[tuple[str, str]] = Counter()
        for row in rows:
            headers = orjson.loads(row["headers"])
            versions.setdefault((row["topic"], headers["aggregateid"]), []).append(int(headers["streamversion"]))
            if row["topic"] == "onewindow.coordinator.events":
                events[parse_type(headers["type"])[1], headers["caseid"]] += 1
        gaps = {stream: found for stream, found in versions.items() if found != list(range(1, len(found) + 1))}
        assert gaps == {}
        assert sum(name == "CaseClosed" for name, _ in events) == cases
        assert {n for (name, _), n in events.items() if name == "CaseClosed"} == {1}
        assert {n for (name, _), n in events.items() if name == "ItemConcluded"} == {3}
        assert await conn.fetchval("SELECT count(*) FROM intake.application") == cases
        assert await conn.fetchval("SELECT count(DISTINCT application_no) FROM intake.application") == cases
        for schema in ("intake", "coordinator", "elderly", "assistance", "marriage", "funeral"):
            assert await conn.fetchval(f'SELECT count(*) FROM "{schema}".parked') == 0
            assert await conn.fetchval(f'SELECT count(*) FROM "{schema}".outbox') == 0
    finally:
        await conn.close()
