"""Routes of social assistance: tasks, and what a decision in force brought about."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from services.assistance import store
from services.assistance.handlers import PARTS
from services.assistance.tables import HANDLING
from shared.handling.api import task_router
from shared.handling.board import item_board
from shared.handling.intimacy import may_see
from shared.handling.tables import ITEM
from shared.http.auth import Principal, allow
from shared.http.refusals import not_found
from shared.spec import ServiceHandle

_STAFF = Depends(allow("clerk", "town_clerk", "handler", "approver", "supervisor"))


def router(handle: ServiceHandle) -> APIRouter:
    """All routes, without the service's prefix."""
    routes = APIRouter()
    routes.include_router(task_router(handle, item_board(HANDLING.task, PARTS.engine.decide)))

    @routes.get("/items/{item_id}/effects", tags=["items"])
    async def get_effects(item_id: UUID, who: Annotated[Principal, _STAFF]) -> dict[str, Any]:
        """Stops, settlements, household reviews and relief of one item within the caller's regions."""
        item = await handle.load(ITEM, item_id)
        if item is None or not may_see(item, who.roles, handle.ctx(who.account)):
            raise not_found()
        async with handle.read() as conn:
            return await store.effects(conn, item_id)

    return routes
