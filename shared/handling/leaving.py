"""Handing over when somebody leaves: what an account held is open again, for whoever may act next.

An account that was disabled, or whose roles were changed, keeps no task; who still may act claims it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table

from shared.changes import Changes, Ctx, Put
from shared.db.documents import qualified
from shared.errors import NewerRelease
from shared.handling import tasks
from shared.handling.model import Task
from shared.messages import derived_id
from shared.spec import Command, Left, ServiceHandle

HOLDER_LEFT: Final = "HOLDER_LEFT"
FREED: Final = "freed"
"""Where a task's `data` notes from whom it was taken, when and why."""


def free_tasks(kind: str, table: Table, row: Callable[[Any, Task], Mapping[str, Any]]) -> Left:
    """What a service does when somebody leaves: frees the tasks that the account holds, each with a note."""
    listed = qualified(table)

    async def left(handle: ServiceHandle, account_id: UUID) -> None:
        async with handle.read() as conn:
            holders = await conn.fetch(f"SELECT DISTINCT holder FROM {listed} WHERE state = 'claimed'")
            gone = [h["holder"] for h in holders if derived_id("account", h["holder"]) == account_id]
            owners = await conn.fetch(
                f"SELECT DISTINCT aggregate_id FROM {listed} WHERE state = 'claimed' AND holder = ANY($1)", gone
            )
        left_over: NewerRelease | None = None
        for owner in owners:
            try:
                await handle.command(kind, owner["aggregate_id"], _freeing(gone, table, row), actor="system")
            except NewerRelease as cause:
                left_over = cause
        if left_over is not None:
            raise left_over

    return left


def _freeing(gone: list[str], table: Table, row: Callable[[Any, Task], Mapping[str, Any]]) -> Command:
    def free_held_tasks(state: Any, ctx: Ctx) -> tuple[Changes[Any] | None, None]:
        held = [t for t in tasks.live_tasks(state) if t.holder in gone] if state is not None else []
        if not held:
            return None, None
        for task in held:
            task.data = {**task.data, FREED: {"from": task.holder, "at": ctx.now.isoformat(), "why": HOLDER_LEFT}}
            tasks.free(task)
        return Changes(state, puts=[Put(table, row(state, task), upsert=True) for task in held]), None

    return free_held_tasks
