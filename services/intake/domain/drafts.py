"""Drafts: any part of an application, kept 30 days for its owner, sealed; what is wrong in it is said, not refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.intake.domain.model import Draft
from services.intake.domain.sealing import DRAFT, seal, unseal
from shared.changes import Changes, Ctx, SetTimer, Timer
from shared.errors import Conflict

KEPT = timedelta(days=30)
EXPIRY = "expire"


def save(state: Draft | None, draft_id: UUID, content: Mapping[str, Any], owner: str, ctx: Ctx) -> Changes[Draft]:
    """Keeps this content for 30 more days; a draft that was handed in is `Conflict` (`DRAFT_HANDED_IN`)."""
    if state is not None and state.application_no is not None:
        raise already(state)
    sealed = seal(ctx.keyring, draft_id, DRAFT, 0, content)
    until = ctx.now + KEPT
    fresh = Draft(id=draft_id, owner=owner, content=sealed, saved_at=ctx.now, expires_at=until)
    if state is not None:
        fresh = state.model_copy(update={"content": sealed, "saved_at": ctx.now, "expires_at": until})
    return Changes(fresh, timers=[SetTimer(EXPIRY, until)])


def already(state: Draft) -> Conflict:
    """The draft is an application by now."""
    number = state.application_no
    return Conflict("DRAFT_HANDED_IN", f"草稿已提交,办件编号 {number}", f"this draft was handed in as {number}")


def content_of(state: Draft, ctx: Ctx) -> dict[str, Any] | None:
    """What the draft holds, None when it has gone."""
    return None if state.content is None else unseal(ctx.keyring, state.id, DRAFT, 0, state.content)


def handed_in(state: Draft, application_no: str, key: str) -> Changes[Draft]:
    """The draft has become an application under this idempotency key; its content stays until it ends, so that the
    same request, sent again, finds the same answer."""
    state.application_no, state.key = application_no, key
    return Changes(state)


def on_expired(state: Draft | None, timer: Timer, ctx: Ctx) -> Changes[Draft]:
    """Thirty days are over: the content goes."""
    if state is None:
        raise Conflict("DRAFT_GONE")
    state.content = None
    return Changes(state)
