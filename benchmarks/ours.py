"""Ours: the platform in this process, handed applications without HTTP; some of its services may run in others."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.bodies import Document, Sizes
from benchmarks.cpu import Parts
from benchmarks.flow import Watch, flow, watching
from benchmarks.ground import Ground
from benchmarks.platforms import Topology, others
from benchmarks.table import Run
from shared.config import Settings
from shared.http.principal import Principal, RoleInUnit
from shared.runtime.host import Host

MOST_OPEN = 512
"""Enough for full batches on every hop; with all handed in at once the log is read back instead of handed over."""

CLERK = Principal(
    account="clerk",
    name="基准",
    kind="staff",
    roles=(RoleInUnit("clerk", "420112", "420112"),),
    scopes=(),
    person_ref=None,
)


@asynccontextmanager
async def platform(ground: Ground, topology: Topology) -> AsyncIterator[Ours]:
    """The topology's first process is this one, with the simulated sources; the others are started beside it."""
    first = topology.processes[0].split(",")
    host = Host(Settings(database_url=ground.dsn, bus=ground.bus, keys=ground.folder / "keys", demo=True), first)
    async with host.running(), others(ground, topology) as beside, watching(ground.dsn) as watch:
        yield Ours(host, watch, ground.parts(os.getpid(), *beside.pids))


@dataclass(frozen=True)
class Ours:
    """The platform at work, its cases watched, its processor time known."""

    host: Host
    watch: Watch
    parts: Parts

    async def submit(self, body: dict[str, Any]) -> UUID:
        """Hands one in; the case id."""
        intake = importlib.import_module("services.intake.api.submission")
        found = await intake.submit(self.host.services["intake"], body, CLERK)
        return UUID(str(found["case_id"]))

    async def pipeline(self, bodies: Sequence[dict[str, Any]], told: Callable[[int], object] = lambda _: None) -> Run:
        """From the first submit until the last case is shown closed."""
        before = self.parts.spent()
        seconds = await flow(self.watch, self.submit, bodies, MOST_OPEN, told)
        return Run(len(bodies), seconds, self.parts.spent() - before)


async def sizes(dsn: str) -> Sizes:
    """How large the documents are that ours has written, on average."""
    conn = await asyncpg.connect(dsn)
    try:
        found = [
            await conn.fetchrow(
                f"SELECT avg(length(body::text))::int AS text, avg(pg_column_size(body))::int AS stored FROM {table}"
            )
            for table in ("intake.application", 'coordinator."case"', "elderly.item")
        ]
    finally:
        await conn.close()
    return Sizes(*(Document(row["text"], row["stored"]) for row in found))
