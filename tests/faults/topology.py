"""The platform's processes while they are attacked.

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
from typing import Protocol

import aiohttp

from shared.catalog.registry import load
from shared.db.postgres.address import free_port
from tests.faults import process
from tests.support.database import eventually

START_SECONDS, STOP_SECONDS = 120.0, 20.0
WORLD_AWAY = 1
"""The exit code of a platform that could not start now, but may in a moment."""

FEW_CONNECTIONS = 4
"""Of a process that hosts one service: one server has room for all of them."""

CLOCK = "virtual:2026-11-21T10:00:00+08:00@1"
ALL = ""
"""Names every service where a topology has one process for all."""


class Topology(Protocol):
    """A platform at work, seen from outside; what its processes say lies in logs under `folder`."""

    folder: Path
    mode: str

    @property
    def url(self) -> str:
        """Where clients find it."""

    async def readiness(self) -> tuple[int, str]:
        """What `/readyz` says now: status and text; 0 when nobody answers."""

    async def arm(self, setting: str) -> None:
        """Arms failpoints while it runs."""

    async def dies(self, seconds: float = 60.0) -> None:
        """Waits until a process has killed itself at a failpoint."""

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
    """All services in one process, or `only` one of them, on a given database server (without a `dsn` on one of its own)
    and bus."""

    folder: Path
    dsn: str
    bus: str = "embedded"
    mode: str = ""
    port: int = field(default_factory=free_port)
    only: str = ""
    keys: Path | None = None
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
        words = (self._environment(), self._arming, self._output, self.mode, self.only)
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
            "KEYS": self.keys or self.folder.parent / "keys",
            "PORT": self.port,
            "CLOCK": CLOCK,
            "DEMO": 1,
            **({"POOL_SIZE": FEW_CONNECTIONS} if self.only else {}),
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
        await eventually(lambda: not self._arming.exists(), f"{setting} to be armed", 60)

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.exitcode is None

    @property
    def has_ended(self) -> bool:
        """Whether it was started and has ended, by itself or killed from inside."""
        return self._process is not None and self._process.exitcode is not None

    async def dies(self, seconds: float = 60.0) -> None:
        """Waits until the process has killed itself at a failpoint."""
        await eventually(lambda: self.has_ended, "the failpoint to be reached", seconds, 0.02)
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
