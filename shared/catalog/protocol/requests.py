"""From intake to the coordinator (`onewindow.coordinator.requests`, one stream an application), and what intake publishes."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.catalog.protocol.values import MaterialRef, PlannedItem, Value
from shared.crypto import Sealed
from shared.messages import Message
from shared.outcomes import FactStatus


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


class CorrectionDelivered(Message):
    """A correction paper was delivered, with effect from that day in Beijing: the days to answer it run from there."""

    case_id: UUID
    number: int
    delivered_on: date


class FactEstablished(Message):
    """A fact that items wait for was asked of its source. `silent` is repeated by a later answer."""

    case_id: UUID
    fact: str
    status: FactStatus
    source: str
    occurred_on: date | None = None
    evidence: str | None = None
    refuted: bool = False


class MaterialsLapsed(Message):
    """What was to follow (容缺) did not come in time, and a person ended it: these items end."""

    case_id: UUID
    items: tuple[UUID, ...]
    reason_code: str


class CommitmentFound(Message):
    """A commitment (告知承诺) was found false: what was granted on it, in these items, is to be reversed."""

    case_id: UUID
    material: str
    items: tuple[UUID, ...]
    reason_code: str
    law: str


class FactDisputed(Message):
    """An established fact was objected to, or its source contradicts it now: everything that rests on it is held."""

    case_id: UUID
    fact: str
    ground: str


class FactUpheld(Message):
    """The objection on this ground was unfounded, the fact stands: what was held goes on. (A fact that is retracted is
    `FactEstablished` as refuted.)"""

    case_id: UUID
    fact: str
    ground: str
    evidence: str | None = None


class ApplicationReceived(Message):
    """An application was received (public, on `onewindow.intake.events`)."""

    case_id: UUID
    application_no: str
    bundle: str | None = None
    matters: tuple[str, ...]
    accept_region: str
    channel: str
    received_at: datetime
