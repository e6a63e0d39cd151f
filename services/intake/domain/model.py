"""The application (申请) and the draft as intake keeps them; everything personal in them is sealed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.materials import Material
from shared.catalog.protocol import ItemView
from shared.changes import State
from shared.crypto import Sealed
from shared.handling.model import DecisionRecord, Task
from shared.outcomes import FINAL_ITEM, ApplicationStatus, CaseOutcome, Channel, FactStatus, ItemStatus

Method = Literal["written", "electronic"]
HoldingState = Literal["live", "granted", "ended"]


class Value(BaseModel):
    """Base of the parts of intake's state."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Holding(Value):
    """That this matter is being handled for, or was granted to, one person, pair, household member or organisation."""

    matter: str
    whose: str
    item_id: UUID
    once: Literal["live", "granted", "ever"]
    state: HoldingState = "live"
    released: bool = False

    @property
    def blocks(self) -> bool:
        """Whether another application for the same is a duplicate; what was once set free never blocks again, since
        another may have taken its place."""
        if self.released:
            return False
        return self.state == "live" or self.once == "ever" or (self.state == "granted" and self.once == "granted")


class FactState(Value):
    """What is known of a fact that items wait for; `told` is the last status the coordinator was given."""

    source: str
    occurred_on: date | None = None
    status: FactStatus | None = None
    refuted: bool = False


class Tolerance(Value):
    """A secondary material that follows by this day (容缺): still awaited, come, or late."""

    material: str
    promise_by: date
    state: Literal["open", "cured", "overdue"] = "open"


class Commitment(Value):
    """A commitment (告知承诺) of the applicant: which text was told and signed when and how, to be checked on a day.

    `moot`: nothing that rests on it was granted; `repaired`: it was false, and its signer has made good for it.
    """

    material: str
    version: str
    informed_at: datetime
    signed_at: datetime
    method: Method
    verify_due: date
    state: Literal["open", "checking", "true", "false", "moot", "repaired"] = "open"


class Objection(Value):
    """An objection (异议) to a fact, or a later sign of life: what it rests on is held until a person has decided it.

    `state` is open, unfounded (the fact stands) or upheld (the fact is retracted). `held` are the items it froze, `frozen_at`
    and `undone_at` when the last of them was held back, and undone. `by` is the account that raised it.
    """

    id: UUID
    fact: str
    ground: str
    reason: str
    by: str
    raised_at: datetime
    state: Literal["open", "unfounded", "upheld"] = "open"
    decided_at: datetime | None = None
    held: tuple[UUID, ...] = ()
    frozen_at: datetime | None = None
    undone_at: datetime | None = None


class Rating(Value):
    """How the applicant found it, one (worst) to five."""

    grade: int
    reasons: tuple[str, ...] = ()
    at: datetime


def must_correct(item: ItemView) -> bool:
    """Whether the applicant must act on an item; one that waits for another may have findings too."""
    return item.status not in FINAL_ITEM and (item.status is ItemStatus.CORRECTING or bool(item.findings))


class Application(State):
    """One application; its id is the case's. `items`, `status` and `outcome` are what the coordinator last said.

    `submission` holds parties and form, sealed under intake's own key in `sealed_round`; `comment` the rating's words.
    `handled_in` are regions beyond that of receiving whose units handle a part of it (跨区域通办), `places` the
    matters that are handled elsewhere, and where.
    `owner` is the account that may always see it (the citizen's own), `unit` the unit that received it. Until `news_due`
    a message with what is new is gathered already.
    """

    application_no: str
    bundle: str | None
    definition: str
    sealed_round: int = 1
    channel: Channel
    accept_region: str
    handled_in: tuple[str, ...] = ()
    places: dict[str, str] = Field(default_factory=dict)
    unit: str | None = None
    owner: str | None = None
    received_at: datetime
    handed_in_at: datetime
    received_reason: str | None = None
    partner_ref: str | None = None
    applicant_ref: str
    subject_ref: str | None = None
    applicant_name: str
    subject_name: str | None = None
    query_code: str
    submission: Sealed
    materials: list[Material] = Field(default_factory=list)
    tolerances: list[Tolerance] = Field(default_factory=list)
    commitments: list[Commitment] = Field(default_factory=list)
    status: ApplicationStatus = ApplicationStatus.SUBMITTED
    outcome: CaseOutcome | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    items: list[ItemView] = Field(default_factory=list)
    facts: dict[str, FactState] = Field(default_factory=dict)
    objections: list[Objection] = Field(default_factory=list)
    evidence: dict[str, Sealed] = Field(default_factory=dict)
    tasks: list[Task] = Field(default_factory=list)
    decisions: list[DecisionRecord] = Field(default_factory=list)
    holdings: list[Holding] = Field(default_factory=list)
    acted: list[str] = Field(default_factory=list)
    withdrawing: list[UUID] = Field(default_factory=list)
    lines: int = 0
    news_due: datetime | None = None
    rating: Rating | None = None
    comment: Sealed | None = None

    def correcting(self) -> list[ItemView]:
        """The open items that wait for the applicant to correct something."""
        return [i for i in self.items if must_correct(i)]

    def item(self, item_id: UUID) -> ItemView | None:
        """The view of one item, or None."""
        return next((i for i in self.items if i.item_id == item_id), None)


class Draft(State):
    """A part of an application, kept 30 days for its owner; the content is sealed and goes when it ends.

    `key` is the idempotency key under which it was handed in.
    """

    owner: str
    content: Sealed | None
    saved_at: datetime
    expires_at: datetime
    application_no: str | None = None
    key: str | None = None
