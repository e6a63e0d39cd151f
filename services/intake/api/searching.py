"""`/applications/search`: staff find applications of their own places, by number, name, identity number or state."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from services.intake import store
from services.intake.api.access import STAFF, hidden, may_see
from services.intake.api.shapes import SearchPage
from services.intake.api.views import concealed, people, viewpoint
from services.intake.domain import intimate, render
from services.intake.domain.lamps import whole_lamp
from services.intake.domain.model import Application
from services.intake.domain.people import NAME, index_of
from shared.audit.readings import note_list
from shared.catalog.parties import Shape
from shared.clock import BEIJING
from shared.handling.board import prefixes
from shared.handling.masking import mask_parties
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.paging import LIMIT, Paging, cursor
from shared.identity import IdType
from shared.outcomes import ApplicationStatus, Lamp
from shared.spec import ServiceHandle

_ROUNDS = 20
"""Pages looked through for rows that fit before the caller is given the place to go on from."""


Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]


class Search(Shape):
    """What is looked for; name and identity number match whole."""

    number: Annotated[str, StringConstraints(max_length=40, strip_whitespace=True)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)] | None = None
    id_no: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    status: ApplicationStatus | None = None
    lamp: Lamp | None = None
    from_: Day | None = Field(None, alias="from")
    to: Day | None = None
    after: Annotated[str, StringConstraints(max_length=500)] | None = None


def router(handle: ServiceHandle) -> APIRouter:
    """The search of the staff."""
    routes = APIRouter()

    @routes.post("/applications/search", **answers(SearchPage))
    async def search_applications(body: Search, who: Annotated[Principal, allow(*STAFF)]) -> dict[str, Any]:
        """Newest first, people masked; within the caller's own regions and units."""
        rows, place = await _collect(handle, body, who)
        await note_list(handle, who, len(rows), "application")
        at = viewpoint(handle)
        return {
            "items": [
                concealed(handle, a, who, {**render.summary(a, at), "parties": _masked(a, handle)}) for a in rows
            ],
            "next": place,
        }

    return routes


async def _collect(handle: ServiceHandle, body: Search, who: Principal) -> tuple[list[Application], str | None]:
    """A page of what fits, and the place after it; a lamp, and whom a row concerns, is looked for row by row."""
    at, found = viewpoint(handle), list[Application]()
    place = Paging(body.after).place(datetime, UUID)
    async with handle.read() as conn:
        for _ in range(_ROUNDS):
            rows = await store.search(conn, *_conditions(handle, body, who, place))
            for n, row in enumerate(rows[:LIMIT]):
                place = (row.received_at, row.id)
                fits = body.lamp is None or whole_lamp(row, at.catalog, at.now, at.calendar) is body.lamp
                if fits and may_see(row, who, handle) and not _tells_whose(row, body, who, handle):
                    found.append(row)
                if len(found) == LIMIT:
                    return found, cursor(*place) if n + 1 < len(rows) else None
            if len(rows) <= LIMIT:
                return found, None
    return found, cursor(*place) if place else None


def _tells_whose(row: Application, body: Search, who: Principal, handle: ServiceHandle) -> bool:
    """Whether finding it would say whose it is, though nobody in it is shown: every matter in it is hidden from them."""
    asked = body.name is not None or body.id_no is not None
    return asked and intimate.nothing_left(row, hidden(handle, row, who))


def _conditions(handle: ServiceHandle, body: Search, who: Principal, place: tuple[Any, ...] | None) -> list[Any]:
    index = index_of(handle.keyring)
    refs = [index.person_ref(t, body.id_no) for t in get_args(IdType) if t != "unknown"] if body.id_no else None
    return [
        prefixes(who, STAFF),
        [r.unit for r in who.roles if r.role in STAFF],
        body.number,
        index.blind(NAME, body.name) if body.name else None,
        refs,
        body.status.value if body.status else None,
        _midnight(body.from_) if body.from_ else None,
        _midnight(body.to + timedelta(days=1)) if body.to else None,
        *(place or (None, None)),
        LIMIT + 1,
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


def _masked(application: Application, handle: ServiceHandle) -> dict[str, Any]:
    parties = people(application, handle.keyring)
    shown = {place: parties[place] for place in ("applicant", "subject") if place in parties}
    masked: dict[str, Any] = mask_parties(shown)
    return masked
