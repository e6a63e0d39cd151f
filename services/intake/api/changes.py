"""What an owner or clerk does to an application: supplement, withdraw, rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from services.intake.api.access import RECEIVING, in_hand, seen
from services.intake.api.claiming import claims, looked_up
from services.intake.api.paper_views import listed
from services.intake.api.shapes import ApplicationShown
from services.intake.api.submission import here_of
from services.intake.api.views import concealed, viewpoint
from services.intake.domain import commitment, render, timeline
from services.intake.domain.check import Here, seen_by_oneself
from services.intake.domain.materials import returned
from services.intake.domain.model import Application, Rating
from services.intake.domain.sealing import COMMENT, seal
from services.intake.domain.supplement import Supplement, supplement
from services.intake.domain.telling import tell
from services.intake.domain.withdraw import Withdrawal, withdraw
from services.intake.store import barred
from shared.catalog.parties import Shape, Short, Word
from shared.changes import Changes, Ctx
from shared.errors import Invalid
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.idempotency import Scope, optional_idempotency
from shared.http.recording import recorded
from shared.spec import ServiceHandle

Key = Annotated[Scope | None, Depends(optional_idempotency)]
Who = Annotated[Principal, allow(*RECEIVING, "citizen")]
Staff = Annotated[Principal, allow(*RECEIVING)]
MaterialPath = Annotated[str, Path(pattern="^[a-z][a-z_]{0,29}$")]
Change = Callable[[Application, Ctx], Changes[Application]]


class RatingBody(Shape):
    """How it was, one (worst) to five; the comment is kept sealed."""

    grade: Annotated[int, Field(ge=1, le=5, strict=True)]
    reasons: Annotated[list[Word], Field(max_length=10)] = Field(default_factory=list)
    comment: Short | None = None


def router(handle: ServiceHandle) -> APIRouter:
    """Changes of an application, by its owner or a clerk where it belongs."""
    routes = APIRouter()

    @routes.post("/applications/{no}/supplement", dependencies=[recorded(handle)], **answers(ApplicationShown))
    async def supplement_application(no: str, body: Supplement, who: Who, key: Key) -> Any:
        """Cures the findings of a round."""
        await handle.require_room()
        _refuse_seen(body, who)
        await _refuse_barred(handle, no, body, who)
        here = await _here(handle, body, who)
        by = {who.account: who.name} if who.has(*RECEIVING) else {}
        return await change(
            handle,
            no,
            who,
            key,
            lambda a, ctx: supplement(a, body, here, ctx, by),
            "supplement",
            files=_named(body),
        )

    @routes.post("/applications/{no}/withdraw", dependencies=[recorded(handle)], **answers(ApplicationShown, 202))
    async def withdraw_application(no: str, body: Withdrawal, who: Who, key: Key) -> Any:
        """Asks to withdraw all open matters on application, or those named."""
        return await change(handle, no, who, key, lambda a, ctx: withdraw(a, body, ctx), "withdraw")

    @routes.post("/applications/{no}/rating", dependencies=[recorded(handle)], **answers(ApplicationShown))
    async def rate_application(no: str, body: RatingBody, who: Who, key: Key) -> Any:
        """Records how the applicant found it; a later rating replaces an earlier one."""
        return await change(handle, no, who, key, lambda a, ctx: rate(a, body, ctx), "rate")

    _add_records(routes, handle)
    return routes


def _add_records(routes: APIRouter, handle: ServiceHandle) -> None:
    """What staff record of the application."""

    @routes.post(
        "/applications/{no}/materials/{kind}/returned", dependencies=[recorded(handle)], **answers(ApplicationShown)
    )
    async def return_material(no: str, kind: MaterialPath, who: Staff, key: Key) -> Any:
        """Records that a paper was given back."""
        return await change(handle, no, who, key, lambda a, ctx: give_back(a, kind, ctx), "return_material")

    @routes.post(
        "/applications/{no}/commitments/repaired", dependencies=[recorded(handle)], **answers(ApplicationShown)
    )
    async def repair_commitment(no: str, who: Annotated[Principal, allow("supervisor")], key: Key) -> Any:
        """Records that the signer of a false commitment made good for it: commitments are open to them again."""
        found = await seen(handle, no, who)
        return await _apply(handle, found, who, key, commitment.repaired, "repair_commitment")


def rate(application: Application, given: RatingBody, ctx: Ctx) -> Changes[Application]:
    """The application with its rating."""
    application.rating = Rating(grade=given.grade, reasons=tuple(given.reasons), at=ctx.now)
    words = {"comment": given.comment}
    application.comment = seal(ctx.keyring, application.id, COMMENT, 0, words) if given.comment else None
    return Changes(application)


def give_back(application: Application, kind: str, ctx: Ctx) -> Changes[Application]:
    """The application with a paper given back, and a line that says so."""
    returned(application, kind, ctx)
    return Changes(application, puts=tell(application, [timeline.handed_back(kind)], ctx.now))


def _named(body: Supplement) -> list[tuple[str, str]]:
    return [(f"/materials/{n}/file_id", m.file_id) for n, m in enumerate(body.materials) if m.file_id]


def _refuse_seen(body: Supplement, who: Principal) -> None:
    if not who.has(*RECEIVING) and (seen := seen_by_oneself(body.materials)):
        raise Invalid(seen)


async def _here(handle: ServiceHandle, body: Supplement, who: Principal) -> Here:
    files = await looked_up(handle, [file_id for _, file_id in _named(body)], who)
    return replace(here_of(handle), files=files)


async def _refuse_barred(handle: ServiceHandle, no: str, body: Supplement, who: Principal) -> None:
    if not any(m.source == "commitment" for m in body.materials):
        return
    if (await in_hand(handle, no, who)).applicant_ref in await barred(handle):
        raise Invalid([commitment.barred()])


async def change(
    handle: ServiceHandle,
    no: str,
    who: Principal,
    key: Scope | None,
    act: Change,
    name: str,
    files: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Carries out one change and answers the application as it is then; it takes the files named with it."""
    found = await in_hand(handle, no, who)
    return await _apply(handle, found, who, key, act, name, files)


async def _apply(
    handle: ServiceHandle,
    found: Application,
    who: Principal,
    key: Scope | None,
    act: Change,
    name: str,
    files: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    papers = await listed(handle, found, who)

    def command(state: Application, ctx: Ctx) -> tuple[Changes[Application], dict[str, Any]]:
        changes = act(state, ctx)
        version = changes.state.version + 1
        return changes, render.application(changes.state, viewpoint(handle), version=version, papers=papers)

    command.__name__ = name
    beside = claims(files, found.id)
    answer: dict[str, Any] = await handle.command(
        "application", found.id, command, actor=who.account, idempotency=key, beside=beside
    )
    return concealed(handle, found, who, answer)
