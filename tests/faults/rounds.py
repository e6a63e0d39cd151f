"""One round: a load, a fault at a moment taken from the seed while cases are in flight, the end, and the checks."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.catalog.registry import load
from shared.clock import monotonic
from tests.faults import checks
from tests.faults.ground import Ground
from tests.faults.history.checking import check
from tests.faults.history.lines import write_lines
from tests.faults.load import Client, today_at
from tests.faults.topology import Topology
from tests.support.database import eventually

if TYPE_CHECKING:
    from tests.faults.faults import Fault

FEW, MANY = 24, 40
"""Cases of a round: where each fault is played once, and where there is time for many rounds."""

SERVICES = sorted(load().services)
PATIENCE = 300.0
"""Seconds that a round may take beyond what its fault lasts."""

REST_SECONDS = 120.0


@dataclass
class Scene:
    """What a fault may reach: the ground, the platform on it, the client, and chance from the round's seed."""

    ground: Ground
    platform: Topology
    client: Client
    rng: random.Random
    long: bool = False
    """Whether there is time for the longer form of a fault."""

    struck: float = 0.0
    back: float = 0.0
    problems: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What was taken away for the whole round, to be brought back once recovery was seen."""

    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    def is_back(self) -> None:
        """From here on the platform is expected to recover: what was taken away is there again."""
        self.back = monotonic()

    def spare(self) -> int:
        """A family that the load does not have."""
        return self.rng.randrange(10**9)

    def beside(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs this beside the load; the round ends when it has ended too."""
        self._group.create_task(work)

    async def rests(self) -> bool:
        """Whether nothing is left to do: no lag, no outbox row, no open question, nothing parked."""
        for service in SERVICES:
            _, lags = await self.client.ask("GET", f"/api/ops/{service}/lag", "operator")
            if any(row["records"] for row in lags["items"]):
                return False
        conn = await self.ground.superuser()
        try:
            return not await checks.unrested(conn)
        finally:
            await conn.close()

    async def attacked(self, fault: Fault, numbers: Sequence[int]) -> float:
        """The load with the fault in its middle; seconds until a case handed in afterwards was closed."""
        *main, probe = numbers
        async with self._group:
            self.beside(self.client.run(main))
            wanted = self.rng.randint(2, len(main) // 2)
            await eventually(lambda: len(self.client.answered) >= wanted, "cases to be in flight", 60)
            await asyncio.sleep(self.rng.uniform(0, 0.3))
            self.struck = monotonic()
            await fault.strike(self)
            await self.client.case(probe)
            recovery = monotonic() - (self.back or self.struck)
            for bring_back in self.afterwards:
                await bring_back()
        await eventually(self.rests, "the platform to come to rest", REST_SECONDS, 0.1)
        await self.audited()
        self.ground.log.rest()
        return recovery

    async def audited(self) -> None:
        """I11: whatever was done to it, the audit of every service verifies and covers every state."""
        for service in SERVICES:
            told = await self.client.lines(f"/api/ops/{service}/audit/verify", "auditor")
            self.problems += [f"audit: {service} {one}" for one in told if "finding" in one]
            if not told or not told[-1].get("done"):
                self.problems.append(f"audit: the verifying of {service} broke off")


@dataclass
class Outcome:
    """What came of a round; `problems` is empty for a good one."""

    name: str
    fault: str
    bus: str
    cases: int = 0
    lost: int = 0
    twice: int = 0
    stuck: int = 0
    recovery_s: float = 0.0
    problems: list[str] = field(default_factory=list)


def numbers_of(name: str, count: int) -> list[int]:
    """The families of a round: its own, and the same ones whenever it is played again."""
    rng = random.Random(f"families of {name}")
    return [rng.randrange(10**9) for _ in range(count)]


async def play(fault: Fault, ground: Ground, platform: Topology, outcome: Outcome, *, long: bool = False) -> None:
    """Plays a round, whose name is its seed, and notes what came of it."""
    numbers = numbers_of(outcome.name, (MANY if long else FEW) + 1)
    async with Client(platform.url, await today_at(platform.url), ground.log) as client:
        scene = Scene(ground, platform, client, random.Random(outcome.name), long)
        try:
            async with asyncio.timeout(PATIENCE + (fault.lasts_long if long else fault.lasts)):
                outcome.recovery_s = await scene.attacked(fault, numbers)
        except (Exception, BaseExceptionGroup, pytest.fail.Exception) as cause:
            outcome.problems += [f"the round did not end: {one!r}" for one in _single(cause)]
        await _judge(outcome, scene)
    if outcome.problems:
        await keep(outcome, scene)


def _single(cause: BaseException) -> list[BaseException]:
    """The exceptions of a group, however deep."""
    inside = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
    return [one for part in inside for one in _single(part)] or [cause]


async def _judge(outcome: Outcome, scene: Scene) -> None:
    conn = await scene.ground.superuser()
    try:
        lost = await checks.lost(conn, scene.client.answered)
        twice = await checks.twice(conn)
        stuck = await checks.stuck(conn) + await checks.unrested(conn)
    finally:
        await conn.close()
    for one in check(*await scene.ground.history()):
        {"I1": lost, "I6": stuck}.get(one.promise, twice).append(str(one))
    outcome.cases = len(scene.client.answered)
    outcome.lost, outcome.twice, outcome.stuck = len(lost), len(twice), len(stuck)
    outcome.problems += [*lost, *twice, *stuck, *scene.problems]


async def keep(outcome: Outcome, scene: Scene) -> Path:
    """Keeps what is known of a failed round in a folder of its name, for an engineer to read."""
    folder = Path("build") / "faults" / outcome.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "problems.txt").write_text("\n".join(outcome.problems) + "\n")
    names = ("client.jsonl", "bus.jsonl", "positions.jsonl")
    for name, lines in zip(names, await scene.ground.history(), strict=True):
        write_lines(folder / name, lines)
    for log in scene.platform.folder.rglob("*.log"):
        shutil.copy(log, folder / "-".join(log.relative_to(scene.platform.folder).parts))
    return folder
