"""`/applications`: hand in, look at, and what happened."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends
from pydantic import TypeAdapter, ValidationError

from services.intake import store
from services.intake.api.access import PEOPLE, RECEIVING, hidden, seen
from services.intake.api.drafts import hand_in, opened
from services.intake.api.example import EXAMPLE
from services.intake.api.shapes import ApplicationReceivedShown, ApplicationSeen, TimelinePage
from services.intake.api.submission import submit
from services.intake.api.views import detail
from services.intake.domain.intimate import neutral_lines
from shared.audit.readings import Ground
from shared.catalog.parties import Submission
from shared.errors import FieldError, Invalid
from shared.http.auth import Principal, allow
from shared.http.documented import AsBuilt, answers
from shared.http.idempotency import Scope, idempotency
from shared.http.recording import recorded
from shared.http.versions import MinVersion, at_least
from shared.spec import ServiceHandle

_SCHEMA = {"$id": "urn:onewindow:submission"}
_DRAFT = {"type": "string", "format": "uuid", "description": "交草稿;其余只填要改的 / a draft, with what is to differ"}
_FORM = "各事项的表单,见 /api/catalogue/matters/{code} / the fields of the case's matters, as the catalogue shows them"


def router(handle: ServiceHandle) -> APIRouter:
    """Handing in and looking at applications."""
    routes = APIRouter()
    _add_handing_in(routes, handle)
    _add_looks(routes, handle)
    return routes


def _add_handing_in(routes: APIRouter, handle: ServiceHandle) -> None:
    @routes.post(
        "/applications",
        dependencies=[recorded(handle)],
        openapi_extra=_documented(),
        **answers(ApplicationReceivedShown, 201),
    )
    async def create_application(
        body: Annotated[dict[str, Any], Body()],
        key: Annotated[Scope, Depends(idempotency)],
        who: Annotated[Principal, allow(*RECEIVING, "citizen")],
    ) -> Any:
        """Receives an application; the answer holds its items and `query_code`. With `draft_id`, a draft is handed in."""
        await handle.require_room()
        if "draft_id" not in body:
            return AsBuilt(await submit(handle, body, who, key), 201)
        draft_id, rest = _draft_of(body)
        answer = await submit(handle, {**await opened(handle, draft_id, who, key[2]), **rest}, who, key)
        await hand_in(handle, draft_id, answer["application_no"], who, key[2])
        return answer


def _add_looks(routes: APIRouter, handle: ServiceHandle) -> None:
    @routes.get("/applications/{no}", **answers(ApplicationSeen))
    async def get_application(
        no: str,
        who: Annotated[Principal, allow(*PEOPLE)],
        min_version: MinVersion = 0,
        unmasked: bool = False,
        ground: Ground | None = None,
    ) -> AsBuilt:
        """The application; people in it masked for staff unless a `ground` is stated, which is recorded; `unmasked`
        alone states that of handling it."""
        found = await at_least(lambda: seen(handle, no, who), min_version)
        return AsBuilt(await detail(handle, found, who, ground or (Ground.HANDLING if unmasked else None)))

    @routes.get("/applications/{no}/timeline", **answers(TimelinePage))
    async def get_timeline(
        no: str, who: Annotated[Principal, allow(*PEOPLE)], min_version: MinVersion = 0
    ) -> dict[str, Any]:
        """What happened, in words a citizen understands."""
        found = await at_least(lambda: seen(handle, no, who), min_version)
        lines, closed = await store.timeline(handle, found.id), hidden(handle, found, who)
        return {"items": neutral_lines(lines, found, closed, handle.catalog), "next": None}


def _draft_of(body: dict[str, Any]) -> tuple[UUID, dict[str, Any]]:
    try:
        draft_id = TypeAdapter(UUID).validate_python(body["draft_id"])
    except ValidationError:
        raise Invalid([FieldError("/draft_id", "FORMAT")]) from None
    return draft_id, {name: value for name, value in body.items() if name != "draft_id"}


def _documented() -> dict[str, Any]:
    """The body's schema for OpenAPI: the route itself reads it leniently, so that all its errors are told at once."""
    schema = {**_SCHEMA, **Submission.model_json_schema()}
    schema["properties"] = {**schema["properties"], "draft_id": _DRAFT}
    schema["properties"]["form"]["description"] = _FORM
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["draft_id"]}]
    body = {"schema": schema, "example": EXAMPLE}
    return {"requestBody": {"required": True, "content": {"application/json": body}}}
