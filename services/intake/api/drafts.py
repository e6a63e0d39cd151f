"""`/drafts`: any part of an application, kept 30 days for its owner."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body

from services.intake.api.access import RECEIVING
from services.intake.api.shapes import DraftSaved, DraftShown
from services.intake.domain.drafts import already, content_of, handed_in, save
from services.intake.domain.model import Draft
from shared.changes import Changes, Ctx
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.recording import recorded
from shared.http.refusals import HttpError, not_found
from shared.http.versions import MinVersion, at_least
from shared.spec import ServiceHandle

MOST_DRAFTS = 50
"""Drafts of one citizen within their 30 days: beyond these no new one is kept."""

Who = Annotated[Principal, allow(*RECEIVING, "citizen")]


def router(handle: ServiceHandle) -> APIRouter:
    """Keeping and reading drafts."""
    routes = APIRouter()

    @routes.put("/drafts/{draft_id}", dependencies=[recorded(handle)], **answers(DraftSaved))
    async def put_draft(draft_id: UUID, body: Annotated[dict[str, Any], Body()], who: Who) -> Any:
        """Keeps this content for 30 more days; whoever chose the id first owns it."""
        await _refuse_hoard(handle, draft_id, who)

        def save_draft(state: Draft | None, ctx: Ctx) -> tuple[Changes[Draft], dict[str, Any]]:
            if state is not None and state.owner != who.account:
                raise not_found()
            changes = save(state, draft_id, body, who.account, ctx)
            return changes, _shown(changes.state, changes.state.version + 1)

        return await handle.command("draft", draft_id, save_draft, actor=who.account)

    @routes.get("/drafts/{draft_id}", **answers(DraftShown))
    async def get_draft(draft_id: UUID, who: Who, min_version: MinVersion = 0) -> dict[str, Any]:
        """The draft with its content."""
        state = await at_least(lambda: _own(handle, draft_id, who), min_version)
        return {**_shown(state, state.version), "content": content_of(state, handle.ctx(who.account))}

    return routes


async def _refuse_hoard(handle: ServiceHandle, draft_id: UUID, who: Principal) -> None:
    sql = "SELECT count(*) FROM intake.draft WHERE owner = $1 AND expires_at > $2 AND id <> $3"
    if who.kind != "citizen":
        return
    async with handle.read() as conn:
        others = await conn.fetchval(sql, who.account, handle.clock.now(), draft_id)
    if others >= MOST_DRAFTS:
        zh = f"已有 {MOST_DRAFTS} 份草稿,请先提交或继续填写其中一份"
        raise HttpError(409, "DRAFTS_WAITING", zh, f"there are {MOST_DRAFTS} drafts: go on with one of them")


async def opened(handle: ServiceHandle, draft_id: UUID, who: Principal, key: str) -> dict[str, Any]:
    """What the person's own draft holds; `Conflict` (`DRAFT_HANDED_IN`) once it was handed in under another key."""
    state = await _own(handle, draft_id, who)
    content = content_of(state, handle.ctx(who.account))
    if content is None or (state.application_no is not None and state.key != key):
        raise already(state)
    return content


async def hand_in(handle: ServiceHandle, draft_id: UUID, number: str, who: Principal, key: str) -> None:
    """The draft has become this application."""

    def hand_in_draft(state: Draft, ctx: Ctx) -> tuple[Changes[Draft], None]:
        return handed_in(state, number, key), None

    await handle.command("draft", draft_id, hand_in_draft, actor=who.account)


async def _own(handle: ServiceHandle, draft_id: UUID, who: Principal) -> Draft:
    state: Draft | None = await handle.load("draft", draft_id)
    if state is None or state.owner != who.account or (state.content is None and state.application_no is None):
        raise not_found()
    return state


def _shown(state: Draft, version: int) -> dict[str, Any]:
    return {
        "id": str(state.id),
        "version": version,
        "saved_at": state.saved_at.isoformat(),
        "expires_at": state.expires_at.isoformat(),
        "application_no": state.application_no,
    }
