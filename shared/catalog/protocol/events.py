"""From the coordinator to everyone (`onewindow.coordinator.events`, one stream a case)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.catalog.protocol.values import (
    Doubt,
    Due,
    Extension,
    Finding,
    Handled,
    Pause,
    Result,
    Supervision,
    Transfer,
    Value,
    WaitingOn,
)
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
    pause: Pause | None = None
    extension: Extension | None = None
    frozen: Doubt | None = None
    result: Result | None = None
    handled: Handled | None = None
    transfer: Transfer | None = None
    supervision: Supervision | None = None


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


class CorrectionIssued(CaseMessage):
    """The one correction paper goes out: the findings of these items, as `case` shows them, told at once.

    `number` counts the papers of a case; in a later one `supervised` says who approved findings that are new, which
    counts as our fault. `silent` are items whose check had not answered by then; `answer_by` is the applicant's last day.
    `by` are the accounts that found something, none for rules.
    """

    number: int
    items: tuple[UUID, ...]
    silent: tuple[UUID, ...] = ()
    answer_by: date | None = None
    supervised: str | None = None
    by: tuple[str, ...] = ()


class CaseClosed(CaseMessage):
    """Every item is final: the one outcome."""


class CaseReopened(CaseMessage):
    """A correction, revocation, reconsideration or court result reopened one item as a new round."""

    item_id: UUID
    round: int
    cause: str
