"""The toy service in two releases: the newer one notes of each message which release handled it, and deeper down what
an older one would leave out in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.changes import Answer, Changes, Ctx, Kind, Timer
from shared.release import FIRST, Release
from shared.spec import Route
from tests.support.toy import SERVICE, TALLY, Add, Tally, on_add, on_answer, on_timer

OLDER, NEWER = FIRST, Release(0, 2)


class Note(BaseModel):
    """A nested value that passes over what it does not know."""

    model_config = ConfigDict(extra="ignore")

    n: int


class FullNote(Note):
    """The same a release later: by whom, too."""

    by: str = "0.2"


class OlderTally(Tally):
    """What the older release stores."""

    notes: list[Note] = Field(default_factory=list)


class DeeperTally(OlderTally):
    """A release later something was added deep within: an older copy would lose it."""

    notes: list[FullNote] = Field(default_factory=list)  # type: ignore[assignment]


class WiderTally(DeeperTally):
    """And something at the top: an older copy would not even read it."""

    memos: list[str] = Field(default_factory=list)


def spec_of(model: type[OlderTally], since: Release) -> Any:
    """The toy service that keeps its tallies so."""
    note = model.model_fields["notes"].annotation.__args__[0]  # type: ignore[union-attr]

    def add(state: Any, message: Add, ctx: Ctx) -> Changes[Any]:
        assert ctx.envelope is not None
        changes = on_add(state or model(id=UUID(ctx.envelope.aggregateid)), message, ctx)
        changes.state.notes.append(note(n=message.n))
        if isinstance(changes.state, WiderTally):
            changes.state.memos.append(f"added {message.n}")
        return changes

    def answer(state: Any, said: Answer, ctx: Ctx) -> Changes[Any]:
        return on_answer(state, said, ctx)

    def timer(state: Any, fired: Timer, ctx: Ctx) -> Changes[Any]:
        return on_timer(state, fired, ctx)

    return replace(
        SERVICE,
        kinds=(Kind("tally", model, TALLY, lambda t: {"total": t.total}, since=since),),
        handlers={Add: Route("tally", add)},
        local={("tally", "answer:*"): answer, ("tally", "timer:*"): timer},
    )


OLDER_SPEC = spec_of(OlderTally, OLDER)
DEEPER_SPEC = spec_of(DeeperTally, NEWER)
WIDER_SPEC = spec_of(WiderTally, NEWER)
