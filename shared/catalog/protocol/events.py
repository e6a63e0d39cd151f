"""From the coordinator to everyone (`onewindow.coordinator.events`, one stream a case)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.catalog.protocol.values import Due, Finding, Result, Value, WaitingOn
from shared.messages import Message
from shared.outcomes import ApplicationStatus, CaseOutcome, ItemStatus, Nature


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
