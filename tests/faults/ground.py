"""What a platform stands on while it is attacked: a database server and, for Kafka, brokers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from deploy.kafka.local import LocalKafka
from shared.clock import new_id
from shared.db.postgres import EmbeddedPostgres
from tests.faults.history import bus_embedded, bus_kafka
from tests.faults.history.client import ClientLog
from tests.faults.history.lines import read_lines
from tests.faults.scattered import APART, Scattered
from tests.faults.topology import Together, Topology

Lines = list[dict[str, Any]]


class Ground:
    """One server and the brokers, out of reach of what kills the platform; it keeps what clients of its platforms saw."""

    def __init__(self, folder: Path, bus: str, nodes: int = 1) -> None:
        self.folder, self.bus, self.nodes = folder, bus, nodes
        (folder / "postgres").mkdir(parents=True)
        self._postgres = EmbeddedPostgres(folder / "postgres")
        self._kafka: LocalKafka | None = None
        self.dsn = ""
        self.log = ClientLog(folder / "client.jsonl")
        self._positions: Lines = []
        self._platforms: list[Topology] = []

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
        """What clients saw, what lies on the bus, and how far each group had read at every look, since the beginning."""
        if self._kafka is None:
            records, positions = await bus_embedded.records(self.dsn), await bus_embedded.positions(self.dsn)
        else:
            records, positions = await bus_kafka.records(self.bus_url), await bus_kafka.positions(self.bus_url)
        self._positions += positions
        return read_lines(self.folder / "client.jsonl"), records, self._positions

    def platform(self, mode: str = "") -> Topology:
        """A platform on this ground; each call makes another one on the same database and bus."""
        folder = self.folder / f"platform-{len(self._platforms) + 1}"
        folder.mkdir()
        apart = mode == APART
        made = Scattered(folder, self.dsn, self.bus_url) if apart else Together(folder, self.dsn, self.bus_url, mode)
        self._platforms.append(made)
        return made

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
        """Ends every platform that stands here, then what they stand on, which is removed."""
        for platform in self._platforms:
            await platform.stop()
        self.log.close()
        if self._kafka is not None:
            await asyncio.to_thread(self._kafka.stop)
        await asyncio.to_thread(self._postgres.remove)
