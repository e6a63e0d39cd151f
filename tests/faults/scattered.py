"""A process a service, on one database and bus, behind the gateway: what happens to one is no other's business."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.apart.gateway import gateway
from shared.catalog.registry import load
from shared.db.postgres.address import free_port
from tests.faults.topology import ALL, Together
from tests.support.database import eventually

APART = "apart"
FIRST = "access"


class Scattered:
    """The topology of `make apart`, but for the one database: so the same checks read the rows of all services."""

    mode = APART

    def __init__(self, folder: Path, dsn: str, bus: str) -> None:
        self.folder = folder
        keys = folder.parent / "keys"
        self._parts = {name: Together(folder / name, dsn, bus, only=name, keys=keys) for name in load().services}
        places = {name: [f"127.0.0.1:{part.port}"] for name, part in self._parts.items()}
        port = free_port()
        self._gateway = gateway(places, port, folder / "gateway")
        self.url = f"http://127.0.0.1:{port}"

    async def start(self) -> None:
        await self._parts[FIRST].start()
        await asyncio.gather(*(part.start() for part in self._parts.values()))
        if not self._gateway.running:
            self._gateway.start()
            await asyncio.to_thread(self._gateway.wait)

    async def readiness(self) -> tuple[int, str]:
        return await self._parts[FIRST].readiness()

    async def arm(self, setting: str) -> None:
        """In every process: it is armed where it is reached."""
        await asyncio.gather(*(part.arm(setting) for part in self._parts.values()))

    async def dies(self, seconds: float = 60.0) -> None:
        """Whoever comes by the place first; then nobody else does."""
        await eventually(self._fallen, "the failpoint to be reached", seconds, 0.02)
        for part in self._fallen():
            await part.dies()
        await asyncio.gather(*(part.arm("") for part in self._parts.values() if part.runs))

    def _fallen(self) -> list[Together]:
        return [part for part in self._parts.values() if part.has_ended]

    async def kill(self, service: str = ALL) -> None:
        await asyncio.gather(*(part.kill() for part in self._named(service)))

    async def pause(self, seconds: float, service: str = ALL) -> None:
        await asyncio.gather(*(part.pause(seconds) for part in self._named(service)))

    async def restart(self, service: str = ALL) -> None:
        await asyncio.gather(*(part.restart() for part in self._named(service)))

    def _named(self, service: str) -> list[Together]:
        return [part for name, part in self._parts.items() if service in (ALL, name)]

    async def stop(self) -> None:
        self._gateway.stop()
        await asyncio.gather(*(part.stop() for part in self._parts.values()))
