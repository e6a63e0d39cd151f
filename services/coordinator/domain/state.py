"""What the coordinator remembers of a case: its items, its facts, who acted, what came too late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.calendar import Span
from shared.catalog.protocol import (
    Doubt,
    Due,
    Extension,
    Finding,
    Handled,
    Limit,
    MaterialRef,
    Pause,
    Prerequisite,
    Result,
    Supervision,
    Transfer,
    WaitingOn,
)
from shared.changes import State
from shared.clock import beijing_date
from shared.crypto import Sealed
from shared.handling.model import Task
from shared.outcomes import FactStatus, ItemStatus, Nature


class Fact(BaseModel):
    """A fact that items wait for; `status` None while its source was asked and nothing came yet.

    `refuted`: a person established that it is not so, which ends the dependants. `doubts` are objections not yet settled,
    which hold back whatever rests on it.
    """

    name: str
    since: datetime
    status: FactStatus | None = None
    source: str = ""
    occurred_on: date | None = None
    evidence: str | None = None
    refuted: bool = False
    doubts: list[Doubt] = Field(default_factory=list)

    @property
    def confirmed(self) -> bool:
        """Whether items that wait for it may go on."""
        return self.status is FactStatus.CONFIRMED and not self.refuted

    @property
    def disputed(self) -> bool:
        """Whether its source contradicts it, or a person has refuted it."""
        return self.refuted or self.status is FactStatus.CONTRADICTED


class Withdrawal(BaseModel):
    """The applicant wants this item back; its handler was asked and has until `until` (business time) to answer."""

    reason_code: str
    asked_at: datetime
    until: datetime


Cause = Literal["false_commitment", "fact_retracted"]


class Reversing(BaseModel):
    """The item's handler was asked to undo its decision, why and since when."""

    cause: Cause
    reason_code: str
    since: datetime


class Told(BaseModel):
    """One correction paper that went out: which items' findings, until when the applicant may answer.

    The applicant's days run from `runs_from`; `delivered` says whether they do so in law, or are only reckoned from the
    paper's day until somebody records its delivery. `silent` are items that had not answered their check by then, `new`
    counts findings that an earlier paper should have told (our fault), `supervised` says who let those out; `by` are the
    accounts that found something.
    """

    number: int
    at: datetime
    items: tuple[UUID, ...]
    silent: tuple[UUID, ...] = ()
    runs_from: date | None = None
    delivered: bool = False
    answer_by: date | None = None
    supervised: str | None = None
    by: tuple[str, ...] = ()
    new: int = 0


class Found(BaseModel):
    """Findings of an item's check that no paper has told yet; `by` is the last day on which they wait for the others.

    `new`: some of them should have stood in an earlier paper, so a supervisor decides first; `approved_by` did. `by_whom`
    are the accounts that found them, none for rules.
    """

    findings: tuple[Finding, ...]
    since: datetime
    by_whom: tuple[str, ...] = ()
    by: date | None = None
    new: int = 0
    approved_by: str | None = None

    @property
    def held(self) -> bool:
        """Whether a supervisor has yet to say whether they may be told."""
        return self.new > 0 and self.approved_by is None


class LateMessage(BaseModel):
    """Something that came after the item was final or for a round that is over: recorded, never applied."""

    item_id: UUID
    round: int
    name: str
    at: datetime
    outcome: ItemStatus | None = None
    reason_code: str = ""


class CaseItem(BaseModel):
    """One item (子件) as the coordinator sees it: an obligation as long as `outcome` is None.

    `ready_round` is the last round in which it was released for decision, so it is blocked while that is below
    `round`. `told` is what its handler says it waits for. `unanswered_since`: asked, and no answer came yet.
    `held` is a grant that waits for a material that is to follow. `tried` are the units that sent it back; `returned`
    says that no further unit was found.

    `findings` are what the applicant was told and has not cured, until `answer_by`; `found` what was not told yet;
    `told_keys` name every finding that a paper told. `pauses` are over, `pause` runs. `extra` are the days of the
    extension. `deemed`: the law holds it accepted, for nobody answered in time. `signs` say which reminder or escalation
    was given, and on which day. `handled` says which persons did what, `transfer` from where it was handed over last,
    `supervision` who was told last to see to it.
    """

    id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    prerequisites: tuple[Prerequisite, ...] = ()
    facts: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    check: str = "formal"
    examination: Limit | None = None
    promised: Limit | None = None
    legal: Limit | None = None
    lapses: bool = False
    grounds: tuple[str, ...] = ()
    materials: tuple[MaterialRef, ...] = ()
    sealed: Sealed
    sealed_round: int = 1
    person_ref: str | None = None
    round: int = 1
    ready_round: int = 0
    requested_at: datetime
    unanswered_since: datetime | None = None
    released_at: datetime | None = None
    to_person: bool = False
    checked: bool = False
    accepted_at: datetime | None = None
    deemed: bool = False
    due: Due = Due()
    pauses: list[Span] = Field(default_factory=list)
    extension: Extension | None = None
    extra: int = 0
    signs: dict[str, date] = Field(default_factory=dict)
    reviewing: bool = False
    stage: str = ""
    stage_name: str = ""
    told: WaitingOn | None = None
    pause: Pause | None = None
    findings: tuple[Finding, ...] = ()
    findings_at: datetime | None = None
    answer_by: date | None = None
    found: Found | None = None
    told_keys: list[str] = Field(default_factory=list)
    withdrawal: Withdrawal | None = None
    returned: bool = False
    tried: list[str] = Field(default_factory=list)
    acted: list[str] = Field(default_factory=list)
    outcome: ItemStatus | None = None
    result: Result | None = None
    held: Result | None = None
    reversing: Reversing | None = None
    handled: Handled | None = None
    transfer: Transfer | None = None
    supervision: Supervision | None = None

    def note_handled(self, **who: Any) -> None:
        """Keeps which person did what; whatever is None was a rule's."""
        said = {name: value for name, value in who.items() if getattr(self.handled, name, None) != value}
        if said:
            self.handled = (self.handled or Handled()).model_copy(update=said)

    @property
    def lacking(self) -> list[MaterialRef]:
        """The materials that were to follow later (容缺) and have not come: 到期不补不发证."""
        return [m for m in self.materials if m.source == "deferred"]

    @property
    def answered(self) -> bool:
        """Whether its formal check has come to something, or there is none."""
        return (
            self.check != "formal"
            or self.checked
            or self.found is not None
            or bool(self.findings)
            or self.outcome is not None
        )

    @property
    def blocked(self) -> bool:
        """Whether it was not yet released for decision in this round."""
        return self.ready_round < self.round

    @property
    def status(self) -> ItemStatus:
        """The one status every reader sees; one with open prerequisites is `waiting` whatever its check says."""
        if self.outcome is not None:
            return self.outcome
        if self.returned:
            return ItemStatus.RETURNED
        if self.blocked:
            return ItemStatus.WAITING
        return self._handling()

    def _handling(self) -> ItemStatus:
        if self.findings or self.held is not None:
            return ItemStatus.CORRECTING
        if self.pause is not None:
            return ItemStatus.PAUSED
        if self.reviewing:
            return ItemStatus.REVIEWING
        return ItemStatus.ACCEPTED if self.accepted_at is not None else ItemStatus.REQUESTED


class Case(State):
    """One case (办件): the joint handling of one application. `openings` counts how often it was opened.

    `counts_from` is the legal day of receiving where it is not the day itself; `calendar` the version its dates were
    reckoned with; `checks_since` when the checks that the next correction paper gathers began, if not with the
    receiving; `wake_at` when its one timer of the clocks is due.
    """

    application_no: str
    bundle: str | None
    definition: str
    accept_region: str
    channel: str
    received_at: datetime
    counts_from: date | None = None
    calendar: str = ""
    checks_since: date | None = None
    wake_at: datetime | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    openings: int = 1
    items: dict[UUID, CaseItem]
    facts: dict[str, Fact] = Field(default_factory=dict)
    acted: list[str] = Field(default_factory=list)
    late: list[LateMessage] = Field(default_factory=list)
    papers: list[Told] = Field(default_factory=list)
    tasks: list[Task] = Field(default_factory=list)

    def open_items(self) -> Iterator[CaseItem]:
        """The obligations: every item that is not final, in the plan's order."""
        return (item for item in self.items.values() if item.outcome is None)

    @property
    def received_on(self) -> date:
        """The legal day of receiving 收件."""
        return self.counts_from or beijing_date(self.received_at)

    @property
    def disputed(self) -> bool:
        """Whether a fact of this case is contradicted or refuted: then a person decides whatever may go on."""
        return any(fact.disputed for fact in self.facts.values())
