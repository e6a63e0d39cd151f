"""The coordinator as one value, with its sweeper: what the host needs to run it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

import structlog

from services.coordinator.api import router
from services.coordinator.domain.state import Case
from services.coordinator.domain.stuck import note_stuck
from services.coordinator.handlers import HANDLERS, LOCAL, take_step
from services.coordinator.store import CASE_KIND, KIND, hanging_cases, stuck_cases
from services.coordinator.tables import DELIVERY, SCHEMA, metadata
from shared.changes import Changes, Ctx
from shared.errors import Transient
from shared.policy import NATION
from shared.runtime.spec import Keys, Route, ServiceHandle, ServiceSpec

_HERE = Path(__file__).parent
log = structlog.get_logger("onewindow.coordinator.sweeper")
LOOK_SECONDS: Final = 30.0
"""Seconds of real time between two looks."""


async def sweeper(handle: ServiceHandle) -> None:
    """Looks now and then, for ever; a world that is away for a while is looked at the next time."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await sweep(handle)
        except Transient as cause:
            log.warning("sweep_put_off", cause=cause.code)


async def sweep(handle: ServiceHandle) -> int:
    """One look: for how many cases an operator was asked (an item sent long ago, nothing heard, nothing left unread)."""
    now = handle.clock.now()
    before = now - timedelta(minutes=handle.policy.find("stuck.minutes", NATION, now).value)
    async with handle.read() as conn:
        found = [row["id"] for row in await stuck_cases(conn, before)]
    if not found:
        return 0
    busy = behind(await cast("Any", handle).bus.lag())
    if SCHEMA in busy:
        return 0
    idle = [name for name in handle.catalog.services if name not in busy]
    return sum([await _note(handle, case_id, before, idle) for case_id in found])


async def _note(handle: ServiceHandle, case_id: UUID, before: datetime, idle: Collection[str]) -> bool:
    def note_silence(case: Case | None, ctx: Ctx) -> tuple[Changes[Case] | None, bool]:
        if case is None:
            return None, False
        changes = take_step(case, ctx, lambda turn: note_stuck(turn, before, idle))
        return (changes, True) if changes.puts else (None, False)

    noted: bool = await handle.command(CASE_KIND, case_id, note_silence, actor="sweeper")
    if noted:
        log.warning("no_answer", case_id=str(case_id))
    return noted


def behind(lags: Sequence[Any]) -> set[str]:
    """The groups that have unread requests or answers: their silence means nothing yet."""
    return {lag.group for lag in lags if lag.records > 0 and not lag.topic.endswith(".events")}


SERVICE = ServiceSpec(
    name=SCHEMA,
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(KIND,),
    handlers={message: Route(CASE_KIND, handler, by="case") for message, handler in HANDLERS.items()},
    local=LOCAL,
    router=router,
    policy=_HERE / "policy",
    migrations=_HERE / "migrations",
    keys=Keys(own=False, index=False),
    workers=(sweeper,),
    stuck=hanging_cases,
)
"""It holds no key: sealed parts are forwarded unread."""
