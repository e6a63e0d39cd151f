"""Where the platform stands while it is attacked: its processes, its database server, its brokers.

A topology says where it answers (`url`) and lets its parts be killed, paused and started again; nobody who attacks it
reaches further in.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp
import asyncpg
import psutil

from deploy.kafka.local import LocalKafka
from shared.clock import new_id
from shared.db.postgres import EmbeddedPostgres
from shared.db.postgres.address import free_port
from tests.support.database import eventually

START_SECONDS = 90.0
CLOCK = "virtual:2026-11-21T10:00:00+08:00@1"
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
    """All services in one process, on a given database server and bus."""

    folder: Path
    dsn: str
    bus: str = "embedded"
    mode: str = ""
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        if self._process is None:
            self._process = self._spawned()
        await eventually(self._ready, f"the platform at {self.url} to be ready", START_SECONDS, 0.1)

    def _spawned(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "platform.log").open("ab") as log:
            return subprocess.Popen(self._command(), env=self._environment(), stdout=log, stderr=log)

    def _command(self) -> list[str]:
        words = [str(self._arming), *([self.mode] if self.mode else [])]
        return [sys.executable, "-m", "tests.faults.process", *words]

    @property
    def _arming(self) -> Path:
        return self.folder / "failpoints"

    def _environment(self) -> Mapping[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ONEWINDOW_")}
        settings = {
            "DATABASE_URL": self.dsn,
            "BUS": self.bus,
            "DATA": self.folder,
            "KEYS": self.folder.parent / "keys",
            "PORT": self.port,
            "CLOCK": CLOCK,
        }
        return {**outside, **{f"ONEWINDOW_{name}": str(value) for name, value in settings.items()}}

    async def _ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the platform ended with {self._process.returncode}, see {self.folder}/platform.log")
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
        self._running.send_signal(signal.SIGUSR1)
        await eventually(lambda: not self._arming.exists(), f"{setting} to be armed", 10)

    async def dies(self, seconds: float = 30.0) -> None:
        """Waits until the process has killed itself at a failpoint."""
        process = self._running
        await eventually(lambda: process.poll() is not None, "the failpoint to be reached", seconds, 0.02)
        assert process.returncode == -signal.SIGKILL
        self._process = None

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the platform does not run"
        return self._process

    async def kill(self, service: str = ALL) -> None:
        self._running.kill()
        self._running.wait()
        self._process = None

    async def pause(self, seconds: float, service: str = ALL) -> None:
        self._running.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._running.send_signal(signal.SIGCONT)

    async def restart(self, service: str = ALL) -> None:
        await self.start()

    async def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, 20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Ground:
    """What a platform stands on, out of reach of what kills the platform: a database server and, for Kafka, brokers."""

    def __init__(self, folder: Path, bus: str, nodes: int = 1) -> None:
        self.folder, self.bus, self.nodes = folder, bus, nodes
        (folder / "postgres").mkdir(parents=True)
        self._postgres = EmbeddedPostgres(folder / "postgres")
        self._kafka: LocalKafka | None = None
        self.dsn = ""
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
        if self._kafka is not None:
            await asyncio.to_thread(self._kafka.stop)
        await asyncio.to_thread(self._postgres.remove)
