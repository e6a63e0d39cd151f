"""`/applications/{no}/objections`: against an established fact, by the family, a clerk, the one said to be dead, or
the department whose records established it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from services.intake import store
from services.intake.api.access import PEOPLE, RECEIVING, may_see, owns, receives
from services.intake.api.shapes import ObjectionPage, ObjectionShown
from services.intake.domain.model import Application
from services.intake.domain.objections import GROUND, SOURCE, Reason, raise_objection, shown
from shared.application_no import check_application_no
from shared.catalog.parties import Shape, Word
from shared.changes import Changes, Ctx
from shared.http.auth import Principal, allow
from shared.http.documented import AsBuilt, answers
from shared.http.idempotency import Scope, idempotency
from shared.http.recording import recorded
from shared.http.refusals import not_found
from shared.spec import ServiceHandle

SOURCES = ("psb", "health")
"""Departments whose records establish a death, and who may find a later sign of life in them."""


class ObjectionBody(Shape):
    """What is not so: which fact (the only one, if it is not named), why, and more in words, which are kept sealed."""

    fact: Word | None = None
    reason: Reason
    comment: Annotated[str, Field(max_length=2000)] = ""


def router(handle: ServiceHandle) -> APIRouter:
    """Raising an objection, and how it stands."""
    routes = APIRouter()

    @routes.post("/applications/{no}/objections", dependencies=[recorded(handle)], **answers(ObjectionShown, 201))
    async def object_to(
        no: str,
        body: ObjectionBody,
        who: Annotated[Principal, allow(*RECEIVING, "citizen", *SOURCES)],
        key: Annotated[Scope, Depends(idempotency)],
    ) -> Any:
        """Holds back at once whatever rests on the fact; a supervisor looks into it within a working day."""
        found = await _open_to(handle, no, who)

        def object_to(state: Application, ctx: Ctx) -> tuple[Changes[Application] | None, dict[str, Any]]:
            ground = SOURCE if who.has(*SOURCES) else GROUND
            changes, made = raise_objection(state, body.fact, body.reason, body.comment, ground, ctx)
            return changes, dict(shown(state, made))

        answer = await handle.command("application", found.id, object_to, actor=who.account, idempotency=key)
        return AsBuilt(answer, 201)

    @routes.get("/applications/{no}/objections", **answers(ObjectionPage))
    async def get_objections(no: str, who: Annotated[Principal, allow(*PEOPLE)]) -> dict[str, Any]:
        """The objections of an application, oldest first."""
        found = await _open_to(handle, no, who, looking=True)
        return {"items": [shown(found, o) for o in found.objections], "next": None}

    return routes


async def _open_to(handle: ServiceHandle, no: str, who: Principal, *, looking: bool = False) -> Application:
    """The application, for its owner, who receives there, the person it is about, or the source; else 404. Whoever may see
    it may look."""
    found = await store.find(handle, no) if check_application_no(no) else None
    if found is None:
        raise not_found()
    if who.covers(found.accept_region, *SOURCES):
        return found
    about = who.person_ref is not None and who.person_ref == found.subject_ref
    if about or owns(found, who) or receives(found, who) or (looking and may_see(found, who, handle)):
        return found
    raise not_found()
