"""From a service to the coordinator (`onewindow.<service>.answers`, one stream an item)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from shared.catalog.protocol.values import Finding, WaitingOn
from shared.crypto import Sealed
from shared.messages import Message
from shared.outcomes import Decision


class Up(Message):
    """Base of every answer about an item, in its round.

    `by` is the account whose word it is, None for a rule's; `names` those of all who acted on the item so far, sealed for
    intake: `{account: name}`.
    """

    item_id: UUID
    case_id: UUID
    round: int
    by: str | None = None
    names: Sealed | None = None


class CheckPassed(Up):
    """The formal check found nothing missing."""


class CorrectionRequested(Up):
    """The formal check found these; they go into the one correction paper."""

    findings: tuple[Finding, ...]


class ItemAccepted(Up):
    """Accepted 受理: the handling clock starts."""

    accepted_at: datetime


class ItemNotAccepted(Up):
    """Not accepted 不予受理, by which law, and where to go instead; what the handler wrote of the reason is sealed."""

    reason_code: str
    law: str
    where_to_go: str = ""
    sealed: Sealed | None = None
    acted: tuple[str, ...] = ()


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
