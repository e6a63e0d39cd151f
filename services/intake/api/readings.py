"""`/readings`: a person sees who was shown their fields, as which unit and role, and why; never by name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.intake import store
from shared.audit.readings import Ground, readings_of
from shared.http.auth import Principal, allow
from shared.http.documented import Shown, answers
from shared.http.paging import Paging, paging
from shared.spec import ServiceHandle


class ReadingShown(Shown):
    """One reading of one's own fields."""

    at: datetime
    application_no: str
    unit: str
    unit_name: str
    role: str
    fields: list[str]
    ground: Ground


class ReadingPage(Shown):
    """Newest first."""

    items: list[ReadingShown]
    next: str | None


def router(handle: ServiceHandle) -> APIRouter:
    """Who saw my record."""
    routes = APIRouter()

    @routes.get("/readings", **answers(ReadingPage))
    async def list_readings(
        who: Annotated[Principal, allow("citizen")], place: Annotated[Paging, Depends(paging)]
    ) -> dict[str, Any]:
        """Who was shown the caller's own personal fields, in all applications by or about them."""
        if who.person_ref is None:
            return {"items": [], "next": None}
        own, after = await store.own_applications(handle, who.person_ref), place.place(int)
        rows = await readings_of(handle, who.person_ref, list(own), after[0] if after else None, place.fetch)
        units = handle.ctx(who.account).units
        return place.page(rows, lambda row: (row["seq"],), lambda row: _shown(row, own, units))

    return routes


def _shown(row: dict[str, Any], own: dict[str, str], units: Any) -> dict[str, Any]:
    unit = units.get(row["unit"])
    return {
        **{name: row[name] for name in ("unit", "role", "fields", "ground")},
        "at": row["at"].isoformat(),
        "application_no": own[row["aggregate_id"]],
        "unit_name": unit["name"] if unit else row["unit"],
    }
