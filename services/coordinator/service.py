"""The coordinator as one value, with its sweeper and its recounter: what the host needs to run it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import structlog

from services.coordinator.api import router
from services.coordinator.domain.clocks import legal_calendar
from services.coordinator.domain.recount import needs_recount, recount
from services.coordinator.domain.state import Case
from services.coordinator.domain.stuck import note_stuck
from services.coordinator.handlers import HANDLERS, LOCAL, take_step
from services.coordinator.store import (
    CASE_KIND,
    KIND,
    case_task_row,
    hanging_cases,
    new_findings,
    otherwise_dated,
    stuck_cases,
)
from services.coordinator.tables import DELIVERY, SCHEMA, TASK, metadata
from shared.bus.standing import Looks
from shared.changes import Changes, Ctx
from shared.errors import NewerRelease, Transient
from shared.handling.leaving import free_tasks
from shared.metrics import METRICS
from shared.policy import NATION
from shared.spec import Keys, Route, ServiceHandle, ServiceSpec

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar

_HERE = Path(__file__).parent
log = structlog.get_logger("onewindow.coordinator.sweeper")
LOOK_SECONDS: Final = 30.0
"""Seconds of real time between two looks."""

AGAIN_SECONDS = 3600.0
"""Seconds of real time between two looks for what was dated with another calendar."""


async def sweeper(handle: ServiceHandle) -> None:
    """Looks now and then, for ever; a world that is away for a while is looked at the next time."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await sweep(handle)
            async with handle.read() as conn:
                METRICS.new_findings.set(await new_findings(conn))
        except Transient as cause:
            log.warning("sweep_put_off", cause=cause.code)


async def recounter(handle: ServiceHandle) -> None:
    """Dates anew what was dated with another calendar: at the start, and again for what a copy of an older release,
    not yet ended, has dated since."""
    calendar = legal_calendar()
    while True:
        counted = await recount_all(handle, calendar)
        if counted:
            log.info("calendar_updated", version=calendar.version, cases=counted)
        await asyncio.sleep(AGAIN_SECONDS)


async def recount_all(handle: ServiceHandle, calendar: WorkingCalendar) -> int:
    """Reckons the dates of open cases with this calendar, batch by batch; how many cases had one."""
    counted, last = 0, None
    while True:
        async with handle.read() as conn:
            found = await otherwise_dated(conn, calendar.version, last)
        if not found:
            return counted
        counted, last = counted + sum([await _each(_recount(handle, i, calendar), i) for i in found]), found[-1]


async def _each(look: Awaitable[bool], case_id: UUID) -> bool:
    """What a look at one case came to; one that fails by itself is told, and keeps nobody from the next."""
    try:
        return await look
    except NewerRelease:  # a copy of that release looks, too
        return False
    except Transient:
        raise
    except Exception as cause:
        log.exception("case_passed_over", case_id=str(case_id), cause=type(cause).__name__)
        return False


async def _recount(handle: ServiceHandle, case_id: UUID, calendar: WorkingCalendar) -> bool:
    def update(case: Case | None, ctx: Ctx) -> tuple[Changes[Case] | None, bool]:
        if case is None or not needs_recount(case, calendar.version):
            return None, False
        return take_step(case, ctx, recount, calendar), True

    update.__name__ = "calendar.updated"  # the audit row names what was done
    done: bool = await handle.command(CASE_KIND, case_id, update, actor="calendar")
    return done


async def sweep(handle: ServiceHandle) -> int:
    """One look: for how many cases an operator was asked (an item sent long ago, nothing heard, nothing left unread)."""
    now = handle.clock.now()
    before = now - timedelta(minutes=handle.policy.find("stuck.minutes", NATION, now).value)
    looks: Looks = handle.made.setdefault("looks", Looks())
    lags = [lag for lag in await cast("Any", handle).bus.lag() if not lag.topic.endswith(".events")]
    idle = looks.answered(lags, SCHEMA, handle.catalog.services)
    noted, last = 0, None
    while idle:
        async with handle.read() as conn:
            found = await stuck_cases(conn, before, last)
        if not found:
            break
        # Those of a service that is behind stay in the list: they must not hide the others'.
        last = found[-1]["since"], found[-1]["id"]
        noted += sum([await _each(_note(handle, row["id"], before, idle), row["id"]) for row in found])
    return noted


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
    workers=(sweeper, recounter),
    stuck=hanging_cases,
    left=free_tasks(CASE_KIND, TASK, case_task_row),
)
"""It holds no key: sealed parts are forwarded unread."""
