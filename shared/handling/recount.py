"""A new calendar (a year was published, a local day added) moves the dates of tasks too: what binds the office takes the
earlier of both (elderly_onewindow 5 and 8-9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Table

from shared.calendar import WorkingCalendar
from shared.changes import Changes, Ctx, Put
from shared.db.documents import qualified
from shared.errors import NewerRelease, Transient
from shared.handling.limits import working_calendar
from shared.handling.model import Item, Task
from shared.handling.run import Run, task_timer
from shared.handling.tasks import LIVE, redate
from shared.spec import ServiceHandle

log = structlog.get_logger("onewindow.tasks")
AGAIN_SECONDS: Final = 3600.0
"""Seconds of real time between two looks for what a copy of an older release has dated with another calendar."""

PAGE: Final = 200
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

Recount = Callable[[Any, Ctx, WorkingCalendar], Changes[Any] | None]
"""What follows for one aggregate; None where no date of it moves."""


def recount_items(table: Table) -> Recount:
    """The recount of an item: of its tasks, and of until when it says that it waits for one."""

    def recount(item: Item, ctx: Ctx, calendar: WorkingCalendar) -> Changes[Item] | None:
        run = Run(item, ctx, table)
        moved = {task.kind: task.due for task in item.tasks if redate(task, calendar)}
        waits = item.waiting_on
        if waits is not None and waits.name in moved:
            item.waiting_on = waits.model_copy(update={"until": moved[waits.name]})
        return run.finish() if moved else None

    return recount


def recount_listed(table: Table, row: Callable[[Any, Task], Mapping[str, Any]]) -> Recount:
    """The recount of an aggregate that holds nothing but tasks to move: its rows in the list, and its timers."""

    def recount(state: Any, ctx: Ctx, calendar: WorkingCalendar) -> Changes[Any] | None:
        before = {task.id: task.model_dump() for task in state.tasks}
        moved = [task for task in state.tasks if redate(task, calendar)]
        timers = [timer for task in moved if (timer := task_timer(task, before[task.id])) is not None]
        puts = [Put(table, row(state, task), upsert=True) for task in moved]
        return Changes(state, timers=timers, puts=puts) if moved else None

    return recount


@dataclass(frozen=True)
class Recounter:
    """The worker that dates a service's tasks anew: all at the start, and again those opened since."""

    kind: str
    table: Table
    recount: Recount
    __name__ = "task_recounter"

    async def __call__(self, handle: ServiceHandle) -> None:
        calendar, since = working_calendar(), _EVER
        while True:
            began = handle.clock.now()
            if moved := await recount_tasks(handle, self.kind, self.table, self.recount, calendar, since):
                log.info("calendar_updated", version=calendar.version, tasks_of=moved)
            since = began
            await asyncio.sleep(AGAIN_SECONDS)


async def recount_tasks(
    handle: ServiceHandle,
    kind: str,
    table: Table,
    recount: Recount,
    calendar: WorkingCalendar,
    since: datetime = _EVER,
) -> int:
    """Dates the live tasks opened since then anew, page by page; of how many aggregates one moved."""
    sql = (
        f"SELECT DISTINCT aggregate_id FROM {qualified(table)} WHERE state = ANY($1) AND opened_at >= $2"
        " AND ($3::uuid IS NULL OR aggregate_id > $3) ORDER BY 1 LIMIT $4"
    )
    moved, last = 0, None
    while True:
        async with handle.read() as conn:
            found = [row["aggregate_id"] for row in await conn.fetch(sql, list(LIVE), since, last, PAGE)]
        for one in found:
            moved += await _look(handle, kind, one, recount, calendar)
        if len(found) < PAGE:
            return moved
        last = found[-1]


async def _look(handle: ServiceHandle, kind: str, one: UUID, recount: Recount, calendar: WorkingCalendar) -> bool:
    """Whether a date of it moved; locked only where one does, and one that fails keeps nobody from the next."""

    def update(state: Any, ctx: Ctx) -> tuple[Changes[Any] | None, bool]:
        changes = recount(state, ctx, calendar) if state is not None else None
        return changes, changes is not None

    update.__name__ = "calendar.updated"  # the audit row names what was done
    try:
        state = await handle.load(kind, one)
        if state is None or not any(redate(task.model_copy(), calendar) for task in state.tasks):
            return False
        done: bool = await handle.command(kind, one, update, actor="calendar")
    except NewerRelease:  # a copy of that release looks, too
        return False
    except Transient:
        raise
    except Exception as cause:
        log.exception("tasks_passed_over", aggregate=str(one), cause=type(cause).__name__)
        return False
    return done
