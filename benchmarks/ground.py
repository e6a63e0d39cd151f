"""What a section stands on: a PostgreSQL server of its own and, where asked for, a Kafka broker of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import Parts
from deploy.kafka.local import LocalKafka
from shared.db.postgres import EmbeddedPostgres

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Ground:
    """Servers at work, and where their data lies."""

    folder: Path
    dsn: str
    cluster: Path
    kafka: LocalKafka | None = None

    @property
    def bus(self) -> str:
        """As `ONEWINDOW_BUS` names it."""
        return self.kafka.url if self.kafka else EMBEDDED

    @property
    def postmaster(self) -> int:
        """The database server's first process."""
        return int((self.cluster / "postmaster.pid").read_text("ascii").split()[0])

    def parts(self, *python: int) -> Parts:
        """The processes whose time is measured: these of Python (by default this one) and the servers'."""
        brokers = tuple(self.kafka.pids) if self.kafka else ()
        return Parts(python or (os.getpid(),), self.postmaster, brokers)


@asynccontextmanager
async def ground(*, kafka: bool = False) -> AsyncIterator[Ground]:
    """Servers on a temporary folder that goes with them; raises `NoKafka` where no broker can be had."""
    folder = Path(tempfile.mkdtemp(prefix="onewindow-bench-"))
    postgres = EmbeddedPostgres(folder / "data", notice=lambda _: None)
    broker = LocalKafka(folder / "kafka") if kafka else None
    try:
        dsn = await asyncio.to_thread(postgres.start)
        if broker is not None:
            await asyncio.to_thread(broker.start)
        yield Ground(folder, dsn, postgres.cluster, broker)
    finally:
        if broker is not None:
            await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.remove)
        shutil.rmtree(folder, ignore_errors=True)
