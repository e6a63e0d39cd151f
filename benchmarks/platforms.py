"""The platform as processes of its own, in one of its topologies: started, asked, killed, stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from uuid import UUID

import orjson

from benchmarks.generator import CREATED, application_request
from benchmarks.ground import Ground
from benchmarks.wire import Client, request
from shared.catalog.registry import load as catalogue
from shared.clock import monotonic
from shared.db.postgres.address import free_port

READY_SECONDS = 90.0
STOP_SECONDS = 30.0
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


def _domains() -> str:
    return ",".join(sorted(name for name, entry in catalogue().services.items() if entry.handles))


class Platform:
    """Processes on a ground, each with some of the services."""

    def __init__(self, ground: Ground, processes: Sequence[str], settings: Mapping[str, str]) -> None:
        self._ground, self._processes, self._settings = ground, processes, settings
        self._ports = [free_port() for _ in processes]
        self._running: list[Process] = []
        self.token = ""

    @property
    def port(self) -> int:
        """Where applications are handed in."""
        return self._ports[0]

    @property
    def pids(self) -> list[int]:
        """The processes at work."""
        return [process.pid for process in self._running]

    async def start(self) -> None:
        """Returns when every process is ready; raises `TimeoutError`, or `RuntimeError` with the end of the log."""
        environment = self._environment()
        with self._log() as log:
            for services, port in zip(self._processes, self._ports, strict=True):
                command = (sys.executable, "-m", "shared.runtime.cli.main", "serve", "--only", services)
                given = {**environment, "ONEWINDOW_PORT": str(port)}
                self._running.append(
                    await asyncio.create_subprocess_exec(*command, env=given, stdin=DEVNULL, stdout=log, stderr=log)
                )
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.gather(*(self._ready(p, port) for p, port in zip(self._running, self._ports, strict=True)))

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONEWINDOW_")}
        return {
            **inherited,
            "ONEWINDOW_DATABASE_URL": self._ground.dsn,
            "ONEWINDOW_BUS": self._ground.bus,
            "ONEWINDOW_KEYS": str(self._ground.folder / "keys"),
            "ONEWINDOW_DEMO": "1",
            **self._settings,
        }

    @contextmanager
    def _log(self) -> Iterator[IO[bytes]]:
        with (self._ground.folder / "platform.log").open("ab") as log:
            yield log

    async def _ready(self, process: Process, port: int) -> None:
        client = Client(port)
        while True:
            if process.returncode is not None:
                raise RuntimeError((self._ground.folder / "platform.log").read_text()[-2000:])
            try:
                if (await client.call(request("GET", "/readyz"))).status == 200:
                    return client.close()
            except OSError:
                client.close()
            await asyncio.sleep(0.05)

    async def _sign_in(self) -> str:
        form = f"grant_type=password&username=clerk&password={PASSWORD}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._call(request("POST", "/api/auth/token", form, headers))
        return str(answer["access_token"])

    async def sign_in(self) -> None:
        """Takes a new token for the clerk: one is good for a quarter of an hour."""
        self.token = await self._sign_in()

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

    async def kill(self) -> float:
        """Kills every process as a power cut would; the moment."""
        for process in self._running:
            process.kill()
        killed = monotonic()
        await self._gone()
        return killed

    async def stop(self) -> None:
        """Ends every process as a service manager would."""
        for process in self._running:
            if process.returncode is None:
                process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._gone()
        except TimeoutError:
            await self.kill()

    async def _gone(self) -> None:
        await asyncio.gather(*(process.wait() for process in self._running))
        self._running.clear()


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
