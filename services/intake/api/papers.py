"""`/applications/{no}/papers`: a paper as JSON or as text, and its delivery."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from services.intake.api.access import PEOPLE, RECEIVING, in_hand, receives, seen
from services.intake.api.claiming import claims, require_file
from services.intake.api.paper_shapes import DeliveredShown, PaperWhole
from services.intake.api.paper_views import paper_or_404, shown, visible_whole
from services.intake.domain.model import Application
from services.intake.domain.papers.deliver import Delivery, Ground, deliver
from services.intake.domain.papers.model import Paper
from services.intake.domain.papers.shown import to_text
from services.intake.domain.sealing import unseal
from services.intake.store import papers
from shared.audit import readings as reading
from shared.changes import Changes, Ctx
from shared.errors import Conflict, RefusedError
from shared.http.auth import Principal, allow
from shared.http.documented import AsBuilt, answers
from shared.http.idempotency import Scope, idempotency
from shared.http.recording import recorded
from shared.http.refusals import HttpError, extended
from shared.spec import ServiceHandle

ONCE = "paper_delivery_once"
"""The index that lets one of two deliveries at once count."""


def router(handle: ServiceHandle) -> APIRouter:
    """Papers, for whom their application is visible; delivery, for who receives where it belongs."""
    routes = APIRouter()
    _add_look(routes, handle)
    _add_delivery(routes, handle)
    return routes


def _add_look(routes: APIRouter, handle: ServiceHandle) -> None:
    @routes.get("/applications/{no}/papers/{paper_id}", **answers(PaperWhole))
    async def get_paper(
        no: str,
        paper_id: str,
        request: Request,
        who: Annotated[Principal, allow(*PEOPLE)],
        unmasked: bool = False,
        ground: reading.Ground | None = None,
    ) -> Response:
        """The paper, as JSON or (`Accept: text/plain`) to be printed; a receiving clerk who prints it gets it whole, to
        hand it over. Whatever staff see unmasked is recorded with its ground."""
        application = await seen(handle, no, who)
        paper = await paper_or_404(handle, application, paper_id, who)
        as_text = "text/plain" in request.headers.get("accept", "")
        printing = as_text and receives(application, who)
        stated = ground or (reading.Ground.HANDLING if unmasked else reading.Ground.DELIVERY if printing else None)
        whole = visible_whole(handle, application, paper, who, asked=stated is not None)
        found = await shown(handle, application, paper, who, stated, whole=whole)
        return PlainTextResponse(to_text(found)) if as_text else AsBuilt(found)


def _add_delivery(routes: APIRouter, handle: ServiceHandle) -> None:
    @routes.post(
        "/applications/{no}/papers/{paper_id}/deliveries",
        dependencies=[recorded(handle)],
        **answers(DeliveredShown, 201),
    )
    async def deliver_paper(
        no: str,
        paper_id: str,
        body: Delivery,
        who: Annotated[Principal, allow(*RECEIVING)],
        key: Annotated[Scope, Depends(idempotency)],
    ) -> AsBuilt:
        """Records how a paper reached whom. The first delivery counts; a later one is kept as further evidence."""
        application = await in_hand(handle, no, who)
        _refuse_method(body, who, application)
        paper = await paper_or_404(handle, application, paper_id, who)
        await require_file(handle, body.proof_file_id, "/proof_file_id", who)
        done = await _deliver(handle, application, paper, body, who, key)
        paper = await paper_or_404(handle, application, paper_id, who)
        return AsBuilt({**await shown(handle, application, paper, who, None, whole=False), **done}, 201)


def _refuse_method(body: Delivery, who: Principal, application: Application) -> None:
    """A village worker delivers as one, and only one delivers so."""
    village = who.covers(application.accept_region, "village_worker")
    clerk = who.covers(application.accept_region, "clerk", "town_clerk")
    if body.method == "village_worker" if not village else (body.method != "village_worker" and not clerk):
        raise HttpError(403, "METHOD_NOT_YOURS")


async def _deliver(
    handle: ServiceHandle, application: Application, paper: Paper, body: Delivery, who: Principal, key: Scope
) -> dict[str, Any]:
    try:
        return await _try(handle, application, paper, body, who, key)
    except Conflict as conflict:
        if ONCE not in conflict.detail_en:
            raise
        # Another counts since: this one is further evidence.
        again = await papers.paper(handle, application.id, paper.id)
        return await _try(handle, application, again or paper, body, who, key)
    except RefusedError as refused:
        raise extended(refused, rule=refused.refused.law) from None


async def _try(
    handle: ServiceHandle, application: Application, paper: Paper, body: Delivery, who: Principal, key: Scope
) -> dict[str, Any]:
    def deliver_paper(state: Application, ctx: Ctx) -> tuple[Changes[Application], dict[str, Any]]:
        content = unseal(ctx.keyring, state.id, None, state.sealed_round, state.submission)
        return deliver(
            state, body, Ground(paper, content["parties"], content["form"], state.accept_region, who.name), ctx
        )

    proof = [("/proof_file_id", str(body.proof_file_id))] if body.proof_file_id else []
    beside = claims(proof, application.id)
    answer: dict[str, Any] = await handle.command(
        "application", application.id, deliver_paper, actor=who.account, idempotency=key, beside=beside
    )
    return answer
