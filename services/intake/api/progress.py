"""`/progress`: what the holder of the query code sees without signing in."""

from __future__ import annotations

from hmac import compare_digest
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from services.intake import store
from services.intake.api.shapes import ProgressShown
from services.intake.api.views import viewpoint
from services.intake.domain import render
from services.intake.domain.people import index_of, query_hash
from shared.application_no import check_application_no
from shared.http.auth import public
from shared.http.documented import answers
from shared.http.limiter import RateLimiter
from shared.http.refusals import not_found
from shared.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """The progress page's data: masked, and limited against guessing."""
    routes = APIRouter()
    a_number, an_address = RateLimiter(20, 60), RateLimiter(120, 60)

    @routes.get("/progress/{no}", dependencies=[public()], **answers(ProgressShown))
    async def get_progress(no: str, code: Annotated[str, Query(max_length=40)], request: Request) -> dict[str, Any]:
        """How far it is; a wrong code and a wrong number are the same 404."""
        an_address.check(request.client.host if request.client else "")
        a_number.check(no[:40])
        found = await store.find(handle, no) if check_application_no(no) else None
        given = query_hash(index_of(handle.keyring), code.strip().upper())
        if found is None or not compare_digest(given, found.query_code):
            raise not_found()
        return render.progress(found, viewpoint(handle), await store.timeline(handle, found.id))

    return routes
