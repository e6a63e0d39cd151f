"""A procedure: how one matter is handled, as pure functions, and the steps it may answer with. The engine carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from shared.catalog.protocol import Finding
from shared.changes import Ctx
from shared.handling.model import Work
from shared.outcomes import Decision, WaitKind

if TYPE_CHECKING:
    from sqlalchemy import Table

    from shared.messages import Message


@dataclass(frozen=True, slots=True)
class AskSource:
    """Ask a source; asking a name again is nothing new. `waiting` names the source to whoever looks at the item."""

    name: str
    source: str
    question: Mapping[str, Any]
    waiting: str
    effect: bool = False


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Open a task of this kind unless the item has one; due after `days` working days."""

    kind: str
    stage: str
    role: str
    days: int
    reason_code: str = ""
    unit: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    four_eyes: bool = False


@dataclass(frozen=True, slots=True)
class WaitFor:
    """The item waits, visibly, for whom or what, until when."""

    kind: WaitKind
    name: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """Call `advance` again at this business time, once a name."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """The procedure's own state, shown to everyone (`COOLING_OFF`)."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Remember:
    """Notes of this service about the item: `public` in clear, `private` sealed."""

    public: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accept:
    """Accept the item 受理 now, unless it is; concluding does so by itself."""


@dataclass(frozen=True, slots=True)
class NotAccept:
    """Do not accept the item, by which law, where to go instead."""

    reason_code: str
    law: str
    where_to_go: str = ""


@dataclass(frozen=True, slots=True)
class Conclude:
    """Decide the item. `result` is public and typed by the matter, `personal` is sealed for intake."""

    outcome: Decision
    reason_code: str
    law: str
    result: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """End the item without a decision, as a lapse by law."""

    reason_code: str
    law: str


@dataclass(frozen=True, slots=True)
class Write:
    """A row of this service's own tables; the same row said again is nothing new."""

    table: Table
    values: Mapping[str, Any]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """A fact of this service's own, on its events topic, in the item's stream there; once, however often said."""

    message: Message


Step = AskSource | OpenTask | WaitFor | Wake | Stage | Remember | Accept | NotAccept | Conclude | End | Write | Publish


class Procedure(Protocol):
    """How one matter is handled: three pure functions.

    The engine calls `check` when the part arrives or is supplemented, `advance` after everything that happens to an
    open item (request, ready, answer, fired wake, decision), and `settled` once when the decision is applied.
    `advance` looks at what is there and says what comes next; saying the same twice changes nothing. What follows
    from a decision (`Write`, `Publish`, an ask with an effect) is said by `settled`, never by `advance`.
    """

    @property
    def matter(self) -> str:
        """The matter's code."""

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Formal findings: what is missing or wrong in the part; empty means it passes."""

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The next steps, given all that is known now."""

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What follows once the decision is in force: rows, facts published, tasks."""


@runtime_checkable
class FollowsUp(Protocol):
    """A procedure that goes on after its decision is in force (a household review): a fourth pure function."""

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The next steps after a decision on a task, an answer or a wake that `settled` opened, asked or set; in phase
        `revoked`, those after what `reversed` opened, asked or set."""


@runtime_checkable
class Reverses(Protocol):
    """A procedure whose effects in this service can be undone."""

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What undoes them, said once, and whether or not they are suspended. A rule may restore; to take money back it
        opens a person's task."""


@runtime_checkable
class Suspends(Protocol):
    """A procedure whose effects run on (a stopped benefit) and can be suspended while they are in doubt."""

    def frozen(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What suspends them."""

    def released(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What lets them run again as they did."""
