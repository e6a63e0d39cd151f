"""Routes of the marriage service: tasks, and the annotation that an item led to."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from services.marriage import store
from services.marriage.domain import opened
from services.marriage.handlers import PARTS
from services.marriage.tables import HANDLING
from shared.changes import Ctx
from shared.handling.api import task_router
from shared.handling.board import item_board
from shared.http.auth import Principal, allow
from shared.http.refusals import not_found
from shared.masking import mask_id_no, mask_name
from shared.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """All routes, without the service's prefix."""
    routes = APIRouter()
    routes.include_router(task_router(handle, item_board(HANDLING.task, PARTS.engine.decide)))

    @routes.get("/annotations/{item_id}", tags=["annotations"])
    async def get_annotation(item_id: UUID, who: Annotated[Principal, allow("registrar")]) -> dict[str, Any]:
        """The annotation an item led to, for a registrar of the place; the spouse masked."""
        row = await store.annotation_of(handle, item_id)
        if row is None or not who.covers(row["region"], "registrar"):
            raise not_found()
        return shown(row, handle.ctx(who.account))

    return routes


def shown(row: dict[str, Any], ctx: Ctx) -> dict[str, Any]:
    """An annotation as a registrar's list shows it."""
    # The driver's own UUID is not one to the sealer.
    spouse = opened({**row, "id": UUID(str(row["id"]))}, ctx)["spouse"]
    plain = {name: row[name] for name in ("id", "item_id", "status", "effective_on", "annotated_at")}
    return {**plain, "spouse": {"name": mask_name(spouse["name"]), "id_no": mask_id_no(spouse["id_no"])}}
