"""What an owner or clerk does to an application: supplement, withdraw, rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from services.intake.api.access import RECEIVING, in_hand
from services.intake.api.paper_views import listed
from services.intake.api.shapes import ApplicationShown
from services.intake.api.submission import here_of
from services.intake.api.views import viewpoint
from services.intake.domain import render
from services.intake.domain.model import Application, Rating
from services.intake.domain.sealing import COMMENT, seal
from services.intake.domain.supplement import Supplement, supplement
from services.intake.domain.withdraw import Withdrawal, withdraw
from shared.catalog.parties import Shape, Short, Word
from shared.changes import Changes, Ctx
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.idempotency import Scope, optional_idempotency
from shared.runtime.spec import ServiceHandle

Key = Annotated[Scope | None, Depends(optional_idempotency)]
Who = Annotated[Principal, allow(*RECEIVING, "citizen")]
Change = Callable[[Application, Ctx], Changes[Application]]


class RatingBody(Shape):
    """How it was, one (worst) to five; the comment is kept sealed."""

    grade: Annotated[int, Field(ge=1, le=5, strict=True)]
    reasons: Annotated[list[Word], Field(max_length=10)] = Field(default_factory=list)
    comment: Short | None = None


def router(handle: ServiceHandle) -> APIRouter:
    """Changes of an application, by its owner or a clerk where it belongs."""
    routes = APIRouter()

    @routes.post("/applications/{no}/supplement", **answers(ApplicationShown))
    async def supplement_application(no: str, body: Supplement, who: Who, key: Key) -> Any:
        """Cures the findings of a round."""
        await handle.require_room()
        return await change(
            handle, no, who, key, lambda a, ctx: supplement(a, body, here_of(handle), ctx), "supplement"
        )

    @routes.post("/applications/{no}/withdraw", **answers(ApplicationShown, 202))
    async def withdraw_application(no: str, body: Withdrawal, who: Who, key: Key) -> Any:
        """Asks to withdraw all open matters on application, or those named."""
        return await change(handle, no, who, key, lambda a, ctx: withdraw(a, body, ctx), "withdraw")

    @routes.post("/applications/{no}/rating", **answers(ApplicationShown))
    async def rate_application(no: str, body: RatingBody, who: Who, key: Key) -> Any:
        """Records how the applicant found it; a later rating replaces an earlier one."""
        return await change(handle, no, who, key, lambda a, ctx: rate(a, body, ctx), "rate")

    return routes


def rate(application: Application, given: RatingBody, ctx: Ctx) -> Changes[Application]:
    """The application with its rating."""
    application.rating = Rating(grade=given.grade, reasons=tuple(given.reasons), at=ctx.now)
    words = {"comment": given.comment}
    application.comment = seal(ctx.keyring, application.id, COMMENT, 0, words) if given.comment else None
    return Changes(application)


async def change(
    handle: ServiceHandle, no: str, who: Principal, key: Scope | None, act: Change, name: str
) -> dict[str, Any]:
    """Carries out one change and answers the application as it is then."""
    found = await in_hand(handle, no, who)
    papers = await listed(handle, found, who)

    def command(state: Application, ctx: Ctx) -> tuple[Changes[Application], dict[str, Any]]:
        changes = act(state, ctx)
        version = changes.state.version + 1
        return changes, render.application(changes.state, viewpoint(handle), version=version, papers=papers)

    command.__name__ = name
    return await _run(handle, found.id, command, who, key)


async def _run(handle: ServiceHandle, case_id: UUID, command: Any, who: Principal, key: Scope | None) -> dict[str, Any]:
    answer: dict[str, Any] = await handle.command("application", case_id, command, actor=who.account, idempotency=key)
    return answer
