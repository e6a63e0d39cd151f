"""What the coordinator remembers of a case: its items, its facts, who acted, what came too late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.catalog.protocol import Doubt, Due, Finding, Limit, MaterialRef, Prerequisite, Result, WaitingOn
from shared.changes import State
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


class Pause(BaseModel):
    """The handling clock of an item stands, on a listed ground."""

    ground: str
    since: datetime
    until: date | None = None


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
    `tried` are the units that sent it back; `returned` says that no further unit was found.
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
    promised: Limit | None = None
    legal: Limit | None = None
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
    due: Due = Due()
    extended: bool = False
    reviewing: bool = False
    stage: str = ""
    stage_name: str = ""
    told: WaitingOn | None = None
    pause: Pause | None = None
    findings: tuple[Finding, ...] = ()
    findings_at: datetime | None = None
    withdrawal: Withdrawal | None = None
    returned: bool = False
    tried: list[str] = Field(default_factory=list)
    acted: list[str] = Field(default_factory=list)
    outcome: ItemStatus | None = None
    result: Result | None = None
    reversing: Reversing | None = None

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
        if self.findings:
            return ItemStatus.CORRECTING
        if self.pause is not None:
            return ItemStatus.PAUSED
        if self.reviewing:
            return ItemStatus.REVIEWING
        return ItemStatus.ACCEPTED if self.accepted_at is not None else ItemStatus.REQUESTED


class Case(State):
    """One case (办件): the joint handling of one application. `openings` counts how often it was opened."""

    application_no: str
    bundle: str | None
    definition: str
    accept_region: str
    channel: str
    received_at: datetime
    opened_at: datetime
    closed_at: datetime | None = None
    openings: int = 1
    items: dict[UUID, CaseItem]
    facts: dict[str, Fact] = Field(default_factory=dict)
    acted: list[str] = Field(default_factory=list)
    late: list[LateMessage] = Field(default_factory=list)
    tasks: list[Task] = Field(default_factory=list)

    def open_items(self) -> Iterator[CaseItem]:
        """The obligations: every item that is not final, in the plan's order."""
        return (item for item in self.items.values() if item.outcome is None)

    @property
    def disputed(self) -> bool:
        """Whether a fact of this case is contradicted or refuted: then a person decides whatever may go on."""
        return any(fact.disputed for fact in self.facts.values())
