"""Sessions: how many at once, how long without use, how long at all; and how they end before their time.

A session begins when somebody signs in and lives on while its tokens are renewed. Times are the machine's, not
business time: they guard against theft, and a virtual clock that moves a month must not sign everybody out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.catalog.protocol import SessionsEnded
from shared.changes import Changes, Emit, State
from shared.errors import Conflict
from shared.messages import topic_of

EVENTS: Final = topic_of("access", "events")
OTHERS: Final = "default"
"""The name of the figures for roles that have none of their own."""

Cause = Literal["signed_out", "superseded", "password_changed", "roles_changed", "disabled"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Sessions at once; how long a token holds, which is how long one may be idle; how long a session may last."""

    at_once: int
    idle: timedelta
    longest: timedelta


def limits_for(roles: Iterable[str], figures: Mapping[str, Mapping[str, Any]], longest_token: timedelta) -> Limits:
    """The strictest of what holds for each role; no token lives longer than `longest_token`."""
    found = [figures.get(role, figures[OTHERS]) for role in set(roles)] or [figures[OTHERS]]
    return Limits(
        at_once=min(int(f["at_once"]) for f in found),
        idle=min([longest_token, *(timedelta(minutes=f["idle_minutes"]) for f in found)]),
        longest=min(timedelta(hours=f["longest_hours"]) for f in found),
    )


class Session(BaseModel):
    """One sitting: `proof` is the digest of the outside issuer's token it was opened with, if it was."""

    id: UUID
    started_at: datetime
    expires_at: datetime
    proof: str | None = None


class Sessions(State):
    """An account's sessions that are not over, oldest first, and outside tokens that open none any more."""

    live: list[Session] = Field(default_factory=list)
    spent: dict[str, datetime] = Field(default_factory=dict)


def open_session(
    state: Sessions | None, account_id: UUID, opened: Session, limits: Limits, now: datetime
) -> tuple[Changes[Sessions], Session]:
    """One more session, or the one that the same outside token opened before; beyond the limit the oldest ones end.

    `Conflict` for an outside token that was signed out.
    """
    state = _pruned(state or Sessions(id=account_id), now)
    if opened.proof is not None and opened.proof in state.spent:
        raise Conflict("SESSION_ENDED", "该会话已退出,请重新登录", "this session was signed out: sign in anew")
    again = next((s for s in state.live if s.proof is not None and s.proof == opened.proof), None)
    if again is not None:
        again.expires_at = max(again.expires_at, opened.expires_at)
        return Changes(state), again
    kept = max(0, limits.at_once - 1)
    over = state.live[: len(state.live) - kept] if len(state.live) > kept else []
    state.live = [*(s for s in state.live if s not in over), opened]
    _spend(state, over)
    return Changes(state, emits=_told(state, over, "superseded")), opened


def renew_session(
    state: Sessions | None, session: UUID, limits: Limits, now: datetime
) -> tuple[Changes[Sessions], datetime]:
    """The session goes on, and until when its next token holds; `Conflict` when it is over."""
    live = _pruned(state, now) if state is not None else None
    found = next((s for s in live.live if s.id == session), None) if live is not None else None
    if live is None or found is None or found.started_at + limits.longest <= now:
        raise Conflict("SESSION_ENDED")
    found.expires_at = min(now + limits.idle, found.started_at + limits.longest)
    return Changes(live), found.expires_at


def end_sessions(
    state: Sessions | None, account_id: UUID, cause: Cause, now: datetime, only: Collection[UUID] | None = None
) -> tuple[Changes[Sessions], int]:
    """Ends all sessions of an account, or some; how many ended. Who leaves is told of even with none."""
    state = _pruned(state or Sessions(id=account_id), now)
    over = [s for s in state.live if only is None or s.id in only]
    state.live = [s for s in state.live if s not in over]
    _spend(state, over)
    return Changes(state, emits=_told(state, over, cause)), len(over)


_OUTSIDE: Final = timedelta(hours=24)
"""How long an outside token that was signed out is remembered: the issuer lets none live longer (`domain/outside.py`)."""


def _pruned(state: Sessions, now: datetime) -> Sessions:
    state.live = [s for s in state.live if s.expires_at > now]
    state.spent = {proof: until for proof, until in state.spent.items() if until > now}
    return state


def _spend(state: Sessions, over: list[Session]) -> None:
    """An outside token whose session ended opens no other: two sittings would push each other out for ever."""
    state.spent |= {s.proof: s.expires_at + _OUTSIDE for s in over if s.proof is not None}


def _told(state: Sessions, over: list[Session], cause: Cause) -> list[Emit]:
    leaving = cause in ("roles_changed", "disabled")
    if not over and not leaving:
        return []
    until = max((s.expires_at for s in over), default=_NEVER)
    event = SessionsEnded(account_id=state.id, sessions=tuple(s.id for s in over), cause=cause, until=until)
    return [Emit(EVENTS, str(state.id), event, key=str(state.id))]


_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
