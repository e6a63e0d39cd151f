"""The shapes of the answers about papers and their delivery."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from shared.http.documented import Shown


class HashShown(Shown):
    """The hash of the whole content (canonical JSON, keys sorted), and by which algorithm."""

    algorithm: str
    value: str


class SealShown(Shown):
    """The organ's seal; without a number no seal was put under the paper."""

    name: str
    number: str | None
    provider: str | None


class SignatureShown(Shown):
    """Who answers for the paper: an account, a unit, the `applicant` who commits, or `system` for a rule; with the name, where
    it is known."""

    signer: str
    name: str | None
    role: str
    method: str
    at: datetime
    algorithm: str
    digest: str


class TriedShown(Shown):
    """An earlier way that failed; why, for who sees the paper whole."""

    method: str
    at: datetime
    failure: str | None


class DeliveryShown(Shown):
    """One delivery; the first counts, and from `takes_effect` on."""

    id: UUID
    method: str
    at: datetime
    receiver: str | None = Field(description="null where the applicant's own telephone received it")
    receiver_relation: str | None
    ground: str | None = Field(description="why it was announced; null of any other way")
    tried: list[TriedShown]
    proof_file_id: UUID | None
    recorded_by: str
    recorded_at: datetime
    effective: bool
    takes_effect: datetime


class TermsShown(Shown):
    """Until when (最迟) one may turn to whom, counted from delivery."""

    from_: date = Field(alias="from")
    reconsideration_by: date
    court_by: date
    provisional: bool


class PaperWhole(Shown):
    """A formal paper 文书. `content` never changes; staff see it masked unless they unmask it, which is recorded."""

    id: UUID
    kind: str
    title: str
    number: str
    application_no: str
    issued_at: datetime
    delivered_at: datetime | None
    masked: bool
    content: dict[str, Any]
    hash: HashShown
    seal: SealShown
    signatures: list[SignatureShown]
    deliveries: list[DeliveryShown]
    terms: TermsShown | None


class DeliveredShown(PaperWhole):
    """The paper after a delivery was recorded."""

    delivery_id: UUID
    effective: bool
