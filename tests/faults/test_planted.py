"""The platform with one thing broken on purpose: the checker, which sees only client and bus, names that promise."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.kafka.local import LocalKafka
from tests.faults.history import Violation, bus_embedded, bus_kafka, check
from tests.faults.history.lines import read_lines
from tests.support.database import Server
from tests.support.kafka import own_url

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PATIENCE = 480.0
"""Seconds; on a machine of its own a run takes a few."""

PLANTED = {
    "nothing": set(),
    "no_version_check": {"I2 answers_are_applied_once"},
    # Two results that are read at one instant are both written over the same state: one is forgotten, the case never
    # closes, and both take the same number in its stream.
    "no_lock": {
        "I2 streams_read_one_to_n",
        "I2 repeats_are_the_same_bytes",
        "I3 complete_cases_are_closed",
        "I6 nothing_is_silently_stuck",
        "I8 views_equal_their_fold",
    },
    # Its handler was told of the withdrawal and does nothing more, though everyone hears that it is approved.
    "late_applied": {
        "I3 items_conclude_once",
        "I3 nothing_follows_a_closing",
        "I3 effects_follow_conclusions",
        "I4 late_results_are_not_applied",
    },
    "timers_twice": {"I3 items_conclude_once", "I3 nothing_follows_a_closing", "I7 items_are_cancelled_once"},
}


@dataclass
class Run:
    """What came of a platform at work: what it printed, what the checker says."""

    printed: list[str]
    client: Path
    dsn: str

    async def violations(self) -> list[Violation]:
        """The checker's verdict over the embedded bus."""
        bus, groups = await bus_embedded.records(self.dsn), await bus_embedded.positions(self.dsn)
        assert bus
        assert groups
        return check(read_lines(self.client), bus, groups)


async def worked(plant: str, server: Server, folder: Path, bus: str = "embedded") -> Run:
    """A platform in a process of its own, with one thing broken, until all work is done."""
    run = Run([], folder / "client.jsonl", await server.new_database())
    words = (plant, run.dsn, str(folder / "keys"), str(run.client), bus)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEWINDOW_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.planted", *words, env=environment, stdout=PIPE
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    run.printed = printed.decode().splitlines()
    return run


@pytest.mark.parametrize("plant", PLANTED)
async def test_what_is_broken_is_named_and_nothing_else(plant: str, server: Server, tmp_path: Path) -> None:
    found = await (await worked(plant, server, tmp_path)).violations()
    assert {f"{one.promise} {one.rule}" for one in found} == PLANTED[plant], [*map(str, found[:20])]


async def test_every_case_that_lost_a_row_is_named_and_no_other(server: Server, tmp_path: Path) -> None:
    run = await worked("lost_rows", server, tmp_path)
    lost = {line.split()[1] for line in run.printed if line.startswith("lost ")}
    found = await run.violations()
    assert len(lost) > 5
    assert {one.case for one in found} == lost, [*run.printed, *map(str, found)]


async def test_the_platform_on_kafka_keeps_its_promises(kafka: LocalKafka, server: Server, tmp_path: Path) -> None:
    url = own_url(kafka)
    run = await worked("nothing", server, tmp_path, url)
    bus, groups = await bus_kafka.records(url), await bus_kafka.positions(url)
    assert {line["bus"] for line in bus} == {"kafka"}
    assert {line["group"] for line in groups} >= {"coordinator", "elderly", "intake"}
    assert check(read_lines(run.client), bus, groups) == []
