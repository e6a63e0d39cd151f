"""The platform as processes of its own, in one of its topologies: started, asked, killed, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any
from uuid import UUID

import orjson

from benchmarks.generator import CREATED, application_request
from benchmarks.ground import Ground
from benchmarks.wire import Client, request
from deploy.apart.processes import Program
from shared.catalog.registry import load as catalogue
from shared.config import PREFIX
from shared.db.postgres.address import free_port

BEHIND = {f"{PREFIX}NICE": "10"}
"""Every process but the first, which takes applications in, stands back: as operations.md has it for one machine."""

PASSWORD = "onewindow-demo"  # noqa: S105 — the public password of the demonstration


@dataclass(frozen=True)
class Topology:
    """Which services run together; the first process takes applications in. `settings` are further `ONEWINDOW_*`."""

    name: str
    name_zh: str
    processes: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


def one_process() -> Topology:
    """All services together."""
    return Topology("one process", "单进程", (f"access,intake,coordinator,{_domains()}",))


def two_processes() -> Topology:
    """The window and the coordinator; the services that handle."""
    return Topology("two processes", "两个进程", ("access,intake,coordinator", _domains()))


def three_processes() -> Topology:
    """The window; the coordinator; the services that handle. Who waits at the window waits for nobody's join."""
    return Topology("three processes", "三个进程", ("access,intake", "coordinator", _domains()))


def _domains() -> str:
    return ",".join(sorted(name for name, entry in catalogue().services.items() if entry.handles))


class Platform:
    """Processes on a ground, each with some of the services."""

    def __init__(self, ground: Ground, processes: Sequence[str], settings: Mapping[str, str]) -> None:
        given = {
            f"{PREFIX}DATABASE_URL": ground.dsn,
            f"{PREFIX}BUS": ground.bus,
            f"{PREFIX}KEYS": str(ground.folder / "keys"),
            f"{PREFIX}DEMO": "1",
            **settings,
        }
        self._ports = [free_port() for _ in processes]
        self._programs = [
            Program.of_services(services.split(","), port, {**given, **behind}, ground.folder / f"{port}.log")
            for services, port, behind in zip(processes, self._ports, chain([{}], repeat(BEHIND)), strict=False)
        ]
        self.token = ""

    @property
    def port(self) -> int:
        """Where applications are handed in."""
        return self._ports[0]

    @property
    def pids(self) -> list[int]:
        """The processes at work."""
        return [program.pid for program in self._programs]

    async def start(self) -> None:
        """Returns when every process is ready; raises `DidNotStart` with the end of its log."""
        for program in self._programs:
            program.start()
        await self._each(Program.wait)

    async def _each(self, what: Callable[[Program], object]) -> None:
        await asyncio.gather(*(asyncio.to_thread(what, program) for program in self._programs))

    async def sign_in(self) -> None:
        """Takes a new token for the clerk: one is good for a quarter of an hour."""
        form = f"grant_type=password&username=clerk&password={PASSWORD}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.token = (await self._call(request("POST", "/api/auth/token", form, headers)))["access_token"]

    async def submit(self, body: Mapping[str, Any]) -> UUID:
        """Hands one application in; its case."""
        answer = await self._call(application_request(orjson.dumps(body), self.token), CREATED)
        return UUID(answer["case_id"])

    async def _call(self, made: bytes, wanted: int = 200) -> dict[str, Any]:
        client = Client(self.port)
        try:
            answer = await client.call(made)
        finally:
            client.close()
        if answer.status != wanted:
            raise RuntimeError(f"{answer.status}: {answer.body[:500]!r}")
        found: dict[str, Any] = answer.json()
        return found

    async def kill(self) -> None:
        """Ends every process as a power cut would."""
        await self._each(Program.kill)

    async def stop(self) -> None:
        """Ends every process as a service manager would."""
        await self._each(Program.stop)


@asynccontextmanager
async def platform(ground: Ground, topology: Topology) -> AsyncIterator[Platform]:
    """A platform at work, signed in to, ended afterwards."""
    async with _processes(ground, topology.processes, topology.settings) as made:
        await made.sign_in()
        yield made


@asynccontextmanager
async def others(ground: Ground, topology: Topology) -> AsyncIterator[Platform]:
    """All processes of a topology but the first, for whoever is that one."""
    async with _processes(ground, topology.processes[1:], topology.settings) as made:
        yield made


@asynccontextmanager
async def _processes(ground: Ground, processes: Sequence[str], settings: Mapping[str, str]) -> AsyncIterator[Platform]:
    made = Platform(ground, processes, settings)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
