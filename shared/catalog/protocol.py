"""The handling protocol: the whole vocabulary between intake, the coordinator and every service that handles items.

Down (coordinator to a service): `ItemRequested` … `ItemSettled`; up (service to coordinator): `CheckPassed` …
`ItemRevoked`; from intake: `ApplicationSubmitted` …; out to everyone: `CaseOpened` … `CaseReopened`. Same for domain
services and for departments outside. No field here is personal beyond `person_ref`; what is, is sealed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.crypto import Sealed
from shared.messages import Message
from shared.outcomes import ApplicationStatus, CaseOutcome, Decision, FactStatus, ItemStatus, Nature, WaitKind


class Value(BaseModel):
    """Base of the parts of messages."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Finding(Value):
    """One thing that is missing or wrong, told to the applicant in one paper.

    `code` is stable, `pointer` the form field or material (JSON pointer), `material` the material type if it is one.
    """

    code: str
    pointer: str = ""
    material: str | None = None
    message_zh: str
    message_en: str


class WaitingOn(Value):
    """Whom or what an item waits for, since when and until when (legal dates in Beijing time)."""

    kind: WaitKind
    name: str
    since: datetime
    until: date | None = None


class Limit(Value):
    """A limit in days: `n` working or calendar days."""

    n: int
    unit: Literal["working", "calendar"]


class Due(Value):
    """Dates by which an item must end: promised to the citizen and set by law; provisional when the year's
    calendar is not published."""

    promised: date | None = None
    legal: date | None = None
    provisional: bool = False


class Result(Value):
    """What came of an item. `public` is typed by the matter and holds nothing personal; `sealed` is for intake."""

    outcome: ItemStatus
    reason_code: str
    law: str
    public: dict[str, Any] = Field(default_factory=dict)
    sealed: Sealed | None = None
    by_rule: bool = False
    decided_at: datetime | None = None


class Prerequisite(Value):
    """An item that comes first: refused hard ends the dependant, refused soft sends it to a person."""

    item_id: UUID
    matter: str
    hard: bool = True


class MaterialRef(Value):
    """One material of the application as an item sees it; the file itself stays with intake."""

    type: str
    source: str
    file_id: str | None = None
    form: str | None = None
    copies: int | None = None
    original_seen: bool | None = None
    promise_by: date | None = None


class PlannedItem(Value):
    """One item of the plan that intake made: its matter, who handles it, after what, and its sealed part."""

    item_id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    prerequisites: tuple[Prerequisite, ...] = ()
    facts: tuple[str, ...] = ()
    check: Literal["formal", "none"] = "formal"
    promised: Limit | None = None
    legal: Limit | None = None
    materials: tuple[MaterialRef, ...] = ()
    sealed: Sealed
    person_ref: str | None = None


# --- intake to coordinator (`onewindow.coordinator.requests`, one stream an application) ---------------------------


class ApplicationSubmitted(Message):
    """An application was received: the plan to execute. `acted` are the accounts that acted so far."""

    case_id: UUID
    application_no: str
    bundle: str | None = None
    definition: str
    accept_region: str
    channel: str
    received_at: datetime
    items: tuple[PlannedItem, ...]
    facts: tuple[str, ...] = ()
    acted: tuple[str, ...] = ()


class SupplementedItem(Value):
    """One item's part after a supplement, sealed anew for its service."""

    item_id: UUID
    sealed: Sealed
    materials: tuple[MaterialRef, ...] = ()


class ApplicationSupplemented(Message):
    """The applicant cured what was found: the new parts of the items concerned."""

    case_id: UUID
    round: int
    items: tuple[SupplementedItem, ...]


class WithdrawalSubmitted(Message):
    """The applicant withdraws these items (all open ones if `items` is None)."""

    case_id: UUID
    items: tuple[UUID, ...] | None = None
    reason_code: str = "APPLICANT_WITHDREW"


class FactEstablished(Message):
    """A fact that items wait for was asked of its source. `silent` is repeated by a later answer."""

    case_id: UUID
    fact: str
    status: FactStatus
    source: str
    occurred_on: date | None = None
    evidence: str | None = None
    refuted: bool = False


class ApplicationReceived(Message):
    """An application was received (public, on `onewindow.intake.events`)."""

    case_id: UUID
    application_no: str
    bundle: str | None = None
    matters: tuple[str, ...]
    accept_region: str
    channel: str
    received_at: datetime


# --- down: coordinator to a service (`onewindow.<service>.requests`, one stream an item) ---------------------------


class ItemRequested(Message):
    """Handle this item. `ready` false: check it formally, decide only after `ItemReady`."""

    item_id: UUID
    case_id: UUID
    application_no: str
    matter: str
    definition: str
    nature: Nature
    round: int
    ready: bool
    unit: str
    accept_region: str
    received_at: datetime
    check: Literal["formal", "none"] = "formal"
    acted: tuple[str, ...] = ()
    materials: tuple[MaterialRef, ...] = ()
    sealed: Sealed
    sealed_round: int = 1
    person_ref: str | None = None
    reason_code: str | None = None


class PrerequisiteResult(Value):
    """How an item that came first ended."""

    matter: str
    outcome: ItemStatus
    public: dict[str, Any] = Field(default_factory=dict)
    hard: bool = True


class FactResult(Value):
    """What is established of a fact that the item waited for."""

    fact: str
    status: FactStatus
    source: str
    occurred_on: date | None = None
    evidence: str | None = None


class ItemReady(Message):
    """Everything this item waited for is there: decide it. `to_person`: a soft prerequisite was refused or a fact
    is contradicted, so a person decides."""

    item_id: UUID
    case_id: UUID
    round: int
    results: tuple[PrerequisiteResult, ...] = ()
    facts: tuple[FactResult, ...] = ()
    accepted_at: datetime | None = None
    due: Due = Due()
    to_person: bool = False


class ItemSupplemented(Message):
    """The applicant cured findings of this item: its new sealed part."""

    item_id: UUID
    case_id: UUID
    round: int
    sealed: Sealed
    sealed_round: int
    materials: tuple[MaterialRef, ...] = ()


class WithdrawalRequested(Message):
    """The applicant wants to withdraw: agree, or say that it is already decided."""

    item_id: UUID
    case_id: UUID
    round: int
    reason_code: str


class ItemCancelled(Message):
    """This item is over, whatever its state: a hard prerequisite or its fact fell away, or the handler did not
    answer a withdrawal in time."""

    item_id: UUID
    case_id: UUID
    round: int
    cause: Literal["terminated", "withdrawn"]
    reason_code: str


class ItemSettled(Message):
    """What became of the service's decision: `applied` puts its effects into force, `late` drops them."""

    item_id: UUID
    case_id: UUID
    round: int
    status: Literal["applied", "late"]


# --- up: a service to the coordinator (`onewindow.<service>.answers`, one stream an item) --------------------------


class Up(Message):
    """Base of every answer about an item, in its round."""

    item_id: UUID
    case_id: UUID
    round: int


class CheckPassed(Up):
    """The formal check found nothing missing."""


class CorrectionRequested(Up):
    """The formal check found these; they go into the one correction paper."""

    findings: tuple[Finding, ...]


class ItemAccepted(Up):
    """Accepted 受理: the handling clock starts."""

    accepted_at: datetime


class ItemNotAccepted(Up):
    """Not accepted 不予受理, by which law, and where to go instead."""

    reason_code: str
    law: str
    where_to_go: str = ""


class ItemProgressed(Up):
    """The item moved inside its service; `stage` is the procedure's own state."""

    stage: str
    stage_name: str = ""
    waiting_on: WaitingOn | None = None
    reviewing: bool = False


class ItemPaused(Up):
    """The handling clock stands, on a listed ground."""

    ground: str
    until: date | None = None


class ItemResumed(Up):
    """The handling clock runs again."""

    ground: str


class ItemExtended(Up):
    """Extended once, before due, approved by a named leader."""

    to: date
    approved_by: str
    reason_code: str


class ItemDecided(Up):
    """Decided; effective when the coordinator concludes it. `acted` are the accounts that acted."""

    outcome: Decision
    reason_code: str
    law: str
    result: dict[str, Any] = Field(default_factory=dict)
    sealed: Sealed | None = None
    by_rule: bool = False
    decided_at: datetime
    acted: tuple[str, ...] = ()


class ItemEnded(Up):
    """Ended without a decision, as a lapse by law."""

    reason_code: str
    law: str


class ItemReturned(Up):
    """Sent to the wrong place; `suggested_unit` is where it may belong."""

    reason_code: str
    suggested_unit: str | None = None


class WithdrawalAnswered(Up):
    """`agreed` is the end of the item; `already_decided` lets the decision stand."""

    answer: Literal["agreed", "already_decided"]


class ItemCorrected(Up):
    """After closing: the decision's content was corrected (opens a new round)."""

    reason_code: str
    law: str
    result: dict[str, Any] = Field(default_factory=dict)
    sealed: Sealed | None = None


class ItemRevoked(Up):
    """After closing: the decision was revoked (opens a new round)."""

    reason_code: str
    law: str


# --- out: the coordinator to everyone (`onewindow.coordinator.events`, one stream a case) --------------------------


class ItemView(Value):
    """The public state of one item."""

    item_id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    status: ItemStatus
    stage: str = ""
    stage_name: str = ""
    round: int = 1
    due: Due = Due()
    waiting_on: WaitingOn | None = None
    accepted_at: datetime | None = None
    external_no: str | None = None
    findings: tuple[Finding, ...] = ()
    result: Result | None = None


class CaseView(Value):
    """The whole public state of a case: a reader replaces what it holds and never merges."""

    case_id: UUID
    application_no: str
    bundle: str | None = None
    accept_region: str
    status: ApplicationStatus
    outcome: CaseOutcome | None = None
    received_at: datetime
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    items: tuple[ItemView, ...]


class CaseMessage(Message):
    """Base of the coordinator's events."""

    case: CaseView
    at: datetime


class CaseOpened(CaseMessage):
    """The case was planned and every item sent out."""


class ItemMoved(CaseMessage):
    """An item's public state changed (one event an item and unit of work)."""

    PASSING = True

    item_id: UUID

    def about(self) -> object:
        """The item."""
        return self.item_id


class ItemConcluded(CaseMessage):
    """An item's outcome takes effect; `late`: it came too late and is recorded, not applied."""

    item_id: UUID
    round: int
    outcome: ItemStatus
    result: Result | None = None
    late: bool = False

    def about(self) -> object:
        """The item."""
        return self.item_id


class CaseClosed(CaseMessage):
    """Every item is final: the one outcome."""


class CaseReopened(CaseMessage):
    """A correction, revocation, reconsideration or court result reopened one item as a new round."""

    item_id: UUID
    round: int
    cause: str


class LifeEventReported(Message):
    """A death, marriage or divorce, reported by whoever learnt of it; declared for the owner of life events."""

    kind: str
    person_ref: str
    source: str
    source_no: str
    occurred_on: date
    confirmed: bool


class PersonRefMapped(Message):
    """An identity was corrected: effects of `old` belong to `new`."""

    old: str
    new: str


class UnitChanged(Message):
    """The present state of one unit of the dated tree (on `onewindow.access.events`, one stream a unit)."""

    code: str
    kind: str
    name: str
    region: str
    parent: str | None = None
    valid_from: date
    valid_to: date | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


INTAKE_REQUESTS = (ApplicationSubmitted, ApplicationSupplemented, WithdrawalSubmitted, FactEstablished)
DOWN = (ItemRequested, ItemReady, ItemSupplemented, WithdrawalRequested, ItemCancelled, ItemSettled)
UP = (
    CheckPassed,
    CorrectionRequested,
    ItemAccepted,
    ItemNotAccepted,
    ItemProgressed,
    ItemPaused,
    ItemResumed,
    ItemExtended,
    ItemDecided,
    ItemEnded,
    ItemReturned,
    WithdrawalAnswered,
    ItemCorrected,
    ItemRevoked,
)
CASE_EVENTS = (CaseOpened, ItemMoved, ItemConcluded, CaseClosed, CaseReopened)
