"""Where the platform stands while it is attacked: its processes, its database server, its brokers.

A topology says where it answers (`url`) and lets its parts be killed, paused and started again; nobody who attacks it
reaches further in.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import asyncpg
import psutil

from deploy.kafka.local import LocalKafka
from shared.catalog.registry import load
from shared.clock import new_id
from shared.db.postgres import EmbeddedPostgres
from shared.db.postgres.address import free_port
from tests.faults import process
from tests.faults.history import bus_embedded, bus_kafka
from tests.faults.history.client import ClientLog
from tests.faults.history.lines import read_lines
from tests.support.database import eventually

START_SECONDS, STOP_SECONDS = 120.0, 20.0
WORLD_AWAY = 1
"""The exit code of a platform that could not start now, but may in a moment."""

CLOCK = "virtual:2026-11-21T10:00:00+08:00@1"
Lines = list[dict[str, Any]]
ALL = ""
"""Names every service where a topology has one process for all."""


class Topology(Protocol):
    """A platform at work, seen from outside."""

    @property
    def url(self) -> str:
        """Where clients find it."""

    async def start(self) -> None:
        """Starts what does not run, and waits until it is ready."""

    async def kill(self, service: str = ALL) -> None:
        """SIGKILL to the process of a service."""

    async def pause(self, seconds: float, service: str = ALL) -> None:
        """SIGSTOP to the process of a service, and SIGCONT after so many seconds."""

    async def restart(self, service: str = ALL) -> None:
        """Starts the process of a service again, after it was killed, and waits until it is ready."""

    async def stop(self) -> None:
        """Ends every process as a service manager does."""


@dataclass
class Together:
    """All services in one process, on a given database server (without a `dsn` on one of its own) and bus."""

    folder: Path
    dsn: str
    bus: str = "embedded"
    mode: str = ""
    port: int = field(default_factory=free_port)
    _process: ForkServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        if self._process is None:
            await self._spawn()
        await eventually(self._ready, f"the platform at {self.url} to be ready", START_SECONDS, 0.05)

    async def _spawn(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        words = (self._environment(), self._arming, self._output, self.mode)
        self._process = nursery().Process(target=process.main, args=words, daemon=True)
        await asyncio.to_thread(self._process.start)

    @property
    def _output(self) -> Path:
        return self.folder / "platform.log"

    @property
    def _arming(self) -> Path:
        return self.folder / "failpoints"

    def _environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ONEWINDOW_")}
        settings = {
            **({"DATABASE_URL": self.dsn} if self.dsn else {}),
            "BUS": self.bus,
            "DATA": self.folder,
            "KEYS": self.folder.parent / "keys",
            "PORT": self.port,
            "CLOCK": CLOCK,
        }
        return {**outside, **{f"ONEWINDOW_{name}": str(value) for name, value in settings.items()}}

    async def _ready(self) -> bool:
        """A start that ended because the world was not there yet is made again, as a service manager does."""
        if self._running.exitcode == WORLD_AWAY:
            await self._spawn()
        elif self._running.exitcode is not None:
            last = self._output.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the platform ended with {self._running.exitcode}:\n{last}")
        return (await self.readiness())[0] == 200

    async def readiness(self) -> tuple[int, str]:
        """What `/readyz` says now: status and text; 0 when nobody answers."""
        try:
            async with aiohttp.request("GET", f"{self.url}/readyz", timeout=aiohttp.ClientTimeout(2)) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""

    async def arm(self, setting: str) -> None:
        """Arms failpoints in the running process."""
        self._arming.write_text(setting)
        self._signal(signal.SIGUSR1)
        await eventually(lambda: not self._arming.exists(), f"{setting} to be armed", 10)

    async def dies(self, seconds: float = 30.0) -> None:
        """Waits until the process has killed itself at a failpoint."""
        await eventually(lambda: self._running.exitcode is not None, "the failpoint to be reached", seconds, 0.02)
        assert self._running.exitcode == -signal.SIGKILL
        self._process = None

    @property
    def _running(self) -> ForkServerProcess:
        assert self._process is not None, "the platform does not run"
        return self._process

    def _signal(self, what: signal.Signals) -> None:
        pid = self._running.pid
        assert pid is not None
        os.kill(pid, what)

    async def kill(self, service: str = ALL) -> None:
        self._running.kill()
        await asyncio.to_thread(self._running.join)
        self._process = None

    async def pause(self, seconds: float, service: str = ALL) -> None:
        self._signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._signal(signal.SIGCONT)

    async def restart(self, service: str = ALL) -> None:
        await self.start()

    async def tended(self) -> None:
        """Starts it again whenever it ended by itself, for ever, as a service manager does."""
        while True:
            await asyncio.to_thread(self._running.join)
            await self._spawn()

    async def stop(self) -> None:
        if self._process is None:
            return
        if self._process.exitcode is None:
            self._signal(signal.SIGCONT)
            self._process.terminate()
            await asyncio.to_thread(self._process.join, STOP_SECONDS)
            self._process.kill()
            await asyncio.to_thread(self._process.join)
        self._process = None


@cache
def nursery() -> ForkServerContext:
    """Where processes come from: one that has imported the platform already, so that a start costs a third."""
    made = multiprocessing.get_context("forkserver")
    services = [entry.spec_module for entry in load().services.values()]
    made.set_forkserver_preload([process.__name__, "demo.plugin", *services])
    return made


class Ground:
    """What a platform stands on, out of reach of what kills the platform: a database server and, for Kafka, brokers."""

    def __init__(self, folder: Path, bus: str, nodes: int = 1) -> None:
        self.folder, self.bus, self.nodes = folder, bus, nodes
        (folder / "postgres").mkdir(parents=True)
        self._postgres = EmbeddedPostgres(folder / "postgres")
        self._kafka: LocalKafka | None = None
        self.dsn = ""
        self.log = ClientLog(folder / "client.jsonl")
        self._made = 0

    async def start(self) -> None:
        server = await asyncio.to_thread(self._postgres.start)
        if self.bus == "kafka":
            # Fewer copies of the same heap than by default: three brokers stand beside everything else.
            self._kafka = LocalKafka(self.folder / "kafka", self.nodes, heap="320m")
            await asyncio.to_thread(self._kafka.start)
        name = f"f_{new_id().hex}"
        conn = await self.superuser("postgres")
        await conn.execute(f'CREATE DATABASE "{name}" OWNER onewindow')
        await conn.close()
        self.dsn = server.rsplit("/", 1)[0] + "/" + name

    async def superuser(self, database: str = "") -> asyncpg.Connection:
        """A connection that may do everything, as an operator of the server has."""
        assert self._postgres.address is not None
        dsn = self._postgres.address.superuser_dsn
        return await asyncpg.connect(dsn.rsplit("/", 1)[0] + "/" + (database or self.dsn.rpartition("/")[2]))

    @property
    def kafka(self) -> LocalKafka:
        """The brokers."""
        assert self._kafka is not None, "the embedded bus has no broker"
        return self._kafka

    @property
    def bus_url(self) -> str:
        """As `ONEWINDOW_BUS` names it."""
        return "embedded" if self._kafka is None else self._kafka.url

    async def history(self) -> tuple[Lines, Lines, Lines]:
        """What clients saw, what lies on the bus, and how far each group has read, since this ground was made."""
        seen = read_lines(self.folder / "client.jsonl")
        if self._kafka is None:
            return seen, await bus_embedded.records(self.dsn), await bus_embedded.positions(self.dsn)
        return seen, await bus_kafka.records(self.bus_url), await bus_kafka.positions(self.bus_url)

    def platform(self, mode: str = "") -> Together:
        """A platform on this ground; each call makes another process for the same database and bus."""
        self._made += 1
        return Together(self.folder / f"platform-{self._made}", self.dsn, self.bus_url, mode)

    def kill_database(self) -> None:
        """SIGKILL to the server's first process; the others end when they notice."""
        pid = int((self._postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
        psutil.Process(pid).kill()

    async def start_database(self) -> None:
        """Starts the server again, on the same address."""
        await asyncio.to_thread(self._postgres.stop)  # it is dead: this only frees the folder
        await asyncio.to_thread(self._postgres.start)

    async def start_broker(self, number: int = 1) -> None:
        """Starts a broker again and waits until it answers."""
        self.kafka.start_node(number)
        await asyncio.to_thread(self.kafka.wait, number)

    async def stop(self) -> None:
        self.log.close()
        if self._kafka is not None:
            await asyncio.to_thread(self._kafka.stop)
        await asyncio.to_thread(self._postgres.remove)
