"""Ours: the platform in this process, handed applications without HTTP; some of its services may run in others."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from rich.progress import Progress

from benchmarks.bodies import Document, Sizes
from benchmarks.cpu import Parts
from benchmarks.flow import Watch, flow
from benchmarks.ground import Ground
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
async def platform(ground: Ground, only: Sequence[str] = ()) -> AsyncIterator[Host]:
    """Services at work in this process, with the simulated sources."""
    host = Host(Settings(database_url=ground.dsn, bus=ground.bus, keys=ground.folder / "keys", demo=True), only)
    async with host.running():
        yield host


@asynccontextmanager
async def watching(dsn: str) -> AsyncIterator[Watch]:
    """Looks at intake's database by a connection of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        yield Watch(conn)
    finally:
        await conn.close()


async def submit(host: Host, body: dict[str, Any]) -> UUID:
    """Hands one in; the case id."""
    intake = importlib.import_module("services.intake.api.submission")
    found = await intake.submit(host.services["intake"], body, CLERK)
    return UUID(str(found["case_id"]))


async def pipeline(
    host: Host, watch: Watch, bodies: Sequence[dict[str, Any]], parts: Parts, progress: Progress | None = None
) -> Run:
    """From the first submit until the last case is shown closed."""
    task = progress.add_task("ours", total=len(bodies)) if progress else None
    before = parts.spent()

    def told(closed: int) -> None:
        if progress is not None and task is not None:
            progress.advance(task, closed)

    seconds = await flow(watch, lambda body: submit(host, body), bodies, MOST_OPEN, told)
    return Run(len(bodies), seconds, parts.spent() - before)


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
