"""Routes: a case as a graph, and the coordinator's own tasks."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from services.coordinator.domain.decisions import decide_task
from services.coordinator.domain.graph import case_graph
from services.coordinator.domain.state import Case
from services.coordinator.domain.turn import Turn
from services.coordinator.handlers import take_step
from services.coordinator.store import CASE_KIND, case_task_row
from services.coordinator.tables import TASK
from shared.changes import Changes, Ctx, Units
from shared.handling.api import task_router
from shared.handling.board import TaskBoard
from shared.handling.tasks import TaskDecision
from shared.http.auth import Principal, allow
from shared.http.principal import STAFF_ROLES
from shared.http.refusals import not_found
from shared.runtime.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """The coordinator's routes, without their prefix."""
    routes = APIRouter(tags=["coordinator"])

    @routes.get("/cases/{case_id}")
    async def get_case(case_id: UUID, who: Annotated[Principal, Depends(allow(*STAFF_ROLES))]) -> dict[str, Any]:
        """The plan as a graph, each obligation, both clocks, why it waits."""
        case: Case | None = await handle.load(CASE_KIND, case_id)
        ctx = handle.ctx(who.account)
        if case is None or not concerns(case, who, ctx.units):
            raise not_found()
        return case_graph(case, ctx)

    routes.include_router(task_router(handle, TaskBoard(CASE_KIND, TASK, case_task_row, decide)))
    return routes


def concerns(case: Case, who: Principal, units: Units) -> bool:
    """Whether the case was received, or one of its items is handled, where the person works."""
    if who.covers(case.accept_region):
        return True
    return any(_handles(who, item.unit, units) for item in case.items.values())


def _handles(who: Principal, unit: str, units: Units) -> bool:
    row = units.get(unit)
    return who.in_unit(unit) or (row is not None and who.covers(str(row["region"])))


def decide(case: Case, decision: TaskDecision, ctx: Ctx) -> Changes[Case]:
    """A person's decision on one of the case's tasks, with all that follows."""

    def step(turn: Turn) -> None:
        decide_task(turn, decision)

    return take_step(case, ctx, step)
