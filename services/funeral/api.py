"""Routes of the funeral service: tasks, and what funeral homes report."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from pydantic import ValidationError

from services.funeral import store
from services.funeral.domain.reports import KIND, CremationReport, ReportedCharge, district_of, faults, today
from services.funeral.handlers import PARTS, record_cremation
from services.funeral.tables import HANDLING
from shared.audit.readings import note_list
from shared.changes import Ctx
from shared.complaints import field_errors
from shared.errors import Invalid
from shared.handling.api import task_router
from shared.handling.board import item_board
from shared.http.auth import Principal, allow
from shared.http.documented import Shown, answers
from shared.http.paging import Paging, paging
from shared.http.recording import recorded
from shared.http.refusals import forbidden
from shared.spec import ServiceHandle

HOME = "funeral_home"
Home = Annotated[Principal, allow(HOME)]
MONTH = r"^[12][0-9]{3}-(0[1-9]|1[0-2])$"


class CremationKept(Shown):
    """A report that was kept."""

    id: UUID
    home_no: str
    cremated_on: date
    reported_at: datetime


class CremationShown(CremationKept):
    """A report in the home's own list, the person masked."""

    certificate_no: str
    person: dict[str, str]
    died_on: date
    charges: list[ReportedCharge]


class CremationPage(Shown):
    """The home's own reports."""

    items: list[CremationShown]
    next: str | None


def router(handle: ServiceHandle) -> APIRouter:
    """All routes, without the service's prefix."""
    routes = APIRouter()
    routes.include_router(task_router(handle, item_board(HANDLING.task, PARTS.engine.decide)))
    routes.include_router(_cremations(handle))
    return routes


def _cremations(handle: ServiceHandle) -> APIRouter:
    routes = APIRouter(tags=["cremations"])

    @routes.post("/cremations", dependencies=[recorded(handle)], openapi_extra=_body(), **answers(CremationKept, 201))
    async def report_cremation(who: Home, body: Annotated[dict[str, Any], Body()]) -> Any:
        """What a home reports, before or after an application; the same again answers the same."""
        if not who.in_unit(str(body.get("home_no", "")), HOME):
            raise forbidden("NOT_YOUR_UNIT")
        report = parse(body, handle.ctx(who.account))
        return await handle.command(KIND, report.id, record_cremation(report, who.account), actor=who.account)

    @routes.get("/cremations", **answers(CremationPage))
    async def list_cremations(
        who: Home,
        place: Annotated[Paging, Depends(paging)],
        month: Annotated[str | None, Query(pattern=MONTH, description="YYYY-MM")] = None,
    ) -> dict[str, Any]:
        """The home's own reports of a month (this one if none is named), persons masked."""
        ctx = handle.ctx(who.account)
        first, end = month_bounds(month or f"{today(ctx):%Y-%m}")
        after: Any = place.place(date, UUID)
        rows = await store.cremations(handle, who.units_for(HOME), first, end, after, place.fetch)
        page = place.page(rows, lambda c: (c.cremated_on, c.id), lambda c: c.shown(ctx))
        await note_list(handle, who, len(page["items"]), KIND)
        return page

    return routes


def parse(body: dict[str, Any], ctx: Ctx) -> CremationReport:
    """The report, or `Invalid` with every wrong field."""
    try:
        report = CremationReport.model_validate(body)
    except ValidationError as cause:
        raise Invalid(field_errors(cause.errors())) from None
    known = ctx.policy.find("funeral.charges", district_of(report.home_no), today(ctx)).value
    if wrong := faults(report, known, today(ctx)):
        raise Invalid(wrong)
    return report


def month_bounds(month: str) -> tuple[date, date]:
    """Its first day, and the first day of the next."""
    first = date.fromisoformat(f"{month}-01")
    return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _body() -> dict[str, Any]:
    # The body is read by hand, since whose home it is must be refused before what is wrong in it is told.
    return {"requestBody": {"content": {"application/json": {"schema": CremationReport.model_json_schema()}}}}
