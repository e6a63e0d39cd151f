"""kill -9 of the platform, or of its database, in the middle of 200 cases: each closes exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

import asyncpg
import orjson
import psutil
import pytest

from shared.db.postgres import EmbeddedPostgres
from shared.failpoints import FAILPOINTS
from shared.messages import parse_type
from tests.support.database import Server

CASES = 200
ROUNDS = int(os.environ.get("ONEWINDOW_ROUNDS", "1"))
MOMENTS = {"position.before_commit": 2, "command.before_commit": 3, "command.after_commit": 3}
"""The how-manieth time a failpoint is reached that kills; about the middle of the work for each."""

NO_CASE_REACHES = {
    "timer.before": "three stops by rule set no timer; it is killed there on the toy service below",
    "relay.before_remove": "the embedded bus appends and removes in one transaction; Kafka's is tried on the toy service",
}
ON_THE_OUTBOX = {"relay.before_publish", "relay.after_publish"}
"""The embedded bus needs no relay: for these the units go by the outbox, as with a bus that is elsewhere."""

PATIENCE = 90.0
over_rounds = pytest.mark.parametrize("round_", range(ROUNDS))


async def start(module: str, *words: object, failpoint: str = "") -> Process:
    environment = {**os.environ, "ONEWINDOW_FAILPOINTS": failpoint}
    command = (sys.executable, "-m", f"tests.support.{module}", *map(str, words))
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE)


async def ended(process: Process, seconds: float = PATIENCE) -> int:
    """Its exit code (negative: the signal that killed it); one that does not end is killed and fails the test."""
    try:
        await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail(f"the platform neither finished nor ended within {seconds:g} s")
    assert process.returncode is not None
    return process.returncode


async def platform(where: object, keys: Path, mode: str = "", failpoint: str = "") -> Process:
    """A platform at work on all cases."""
    return await start("worker", where, keys, 1, CASES, mode, failpoint=failpoint)


async def has_started(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while (line := await process.stdout.readline()) != b"started\n":
            assert line, "the platform ended before it had started"


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
@pytest.mark.parametrize("failpoint", sorted(set(FAILPOINTS) - set(NO_CASE_REACHES)))
async def test_every_case_closes_exactly_once_though_the_platform_is_killed(
    server: Server, tmp_path: Path, failpoint: str, round_: int
) -> None:
    dsn, keys = await server.new_database(), tmp_path / "keys"
    mode = "outbox" if failpoint in ON_THE_OUTBOX else ""
    killed = await platform(dsn, keys, mode, f"{failpoint}=kill@{MOMENTS.get(failpoint, 20) + round_}")
    assert await ended(killed) == -signal.SIGKILL, "the failpoint was not reached"
    assert await ended(await platform(dsn, keys, mode)) == 0
    await exactly_once(dsn)


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
async def test_every_case_closes_exactly_once_though_the_platform_is_killed_at_any_moment(
    server: Server, tmp_path: Path, round_: int
) -> None:
    dsn, keys, moments = await server.new_database(), tmp_path / "keys", random.Random(20261121 + round_)
    for _ in range(2):
        process = await platform(dsn, keys)
        await has_started(process)
        moment = moments.uniform(0.05, 1.5)
        print(f"seed {20261121 + round_}: SIGKILL {moment:.3f} s after the start")
        await asyncio.sleep(moment)
        if process.returncode is None:
            process.kill()
        assert await ended(process) in (-signal.SIGKILL, 0)
    assert await ended(await platform(dsn, keys)) == 0
    await exactly_once(dsn)


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
async def test_timers_fire_exactly_once_though_their_process_is_killed(
    server: Server, tmp_path: Path, round_: int
) -> None:
    words = (await server.new_database(), tmp_path / "keys", CASES)
    killed = await start("toy_worker", *words, failpoint=f"timer.before=kill@{2 + round_ % 4}")
    assert await ended(killed) == -signal.SIGKILL, "the failpoint was not reached"
    assert await ended(await start("toy_worker", *words)) == 0
    conn = await asyncpg.connect(str(words[0]))
    rows = await conn.fetch("SELECT body->>'fired' AS fired, count(*) AS n FROM toy.tally GROUP BY 1")
    await conn.close()
    assert [(row["fired"], row["n"]) for row in rows] == [("1", CASES)]


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
async def test_the_platform_goes_on_by_itself_when_its_database_was_killed_and_is_back(
    tmp_path: Path, round_: int
) -> None:
    """A database server that somebody else keeps running: killed without warning, started again on its port."""
    postgres = EmbeddedPostgres(tmp_path)
    try:
        dsn = await asyncio.to_thread(postgres.start)
        process = await platform(dsn, tmp_path / "keys")
        await has_started(process)
        await asyncio.sleep(random.Random(round_).uniform(0.3, 0.9))
        kill_server(postgres)
        await asyncio.to_thread(postgres.stop)  # it is dead: this only frees the folder
        assert await asyncio.to_thread(postgres.start) == dsn
        assert await ended(process) == 0
        await exactly_once(dsn)
    finally:
        await asyncio.to_thread(postgres.remove)


@pytest.mark.faults
@pytest.mark.timeout(300)
@over_rounds
@pytest.mark.parametrize("with_the_platform", [True, False])
async def test_the_platform_recovers_or_ends_loudly_when_its_own_database_is_killed(
    tmp_path: Path, round_: int, with_the_platform: bool
) -> None:
    """Its own server is killed, alone or, as when the power fails, with it; at the latest a new start finishes all."""
    process = await platform(tmp_path, tmp_path / "keys")
    await has_started(process)
    await asyncio.sleep(random.Random(round_).uniform(0.3, 0.9))
    postgres = EmbeddedPostgres(tmp_path)
    try:
        kill_server(postgres)
        if with_the_platform:
            process.kill()
        if await ended(process) != 0:
            assert await ended(await platform(tmp_path, tmp_path / "keys")) == 0
        await exactly_once(await asyncio.to_thread(postgres.start))
    finally:
        await asyncio.to_thread(postgres.remove)


def kill_server(postgres: EmbeddedPostgres) -> None:
    """SIGKILL to the server's first process; the others end when they notice."""
    pid = int((postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
    psutil.Process(pid).kill()


async def exactly_once(dsn: str) -> None:
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
        assert sum(name == "CaseClosed" for name, _ in events) == CASES
        assert {n for (name, _), n in events.items() if name == "CaseClosed"} == {1}
        assert {n for (name, _), n in events.items() if name == "ItemConcluded"} == {3}
        assert await conn.fetchval("SELECT count(*) FROM intake.application") == CASES
        assert await conn.fetchval("SELECT count(DISTINCT application_no) FROM intake.application") == CASES
        for schema in ("intake", "coordinator", "elderly", "assistance", "marriage", "funeral"):
            assert await conn.fetchval(f'SELECT count(*) FROM "{schema}".parked') == 0
            assert await conn.fetchval(f'SELECT count(*) FROM "{schema}".outbox') == 0
    finally:
        await conn.close()


def test_every_failpoint_is_reached_by_a_kill_or_declared() -> None:
    assert set(NO_CASE_REACHES) | ON_THE_OUTBOX | set(MOMENTS) <= set(FAILPOINTS)
