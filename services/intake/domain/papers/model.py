"""A paper before and after it is issued, and what is kept of the moment that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.model import Commitment, Tolerance
from shared.catalog.protocol import ItemView
from shared.crypto import Sealed
from shared.outcomes import Channel

APPLICANT: Final = "applicant"
"""Who signed a commitment, among the signatures: no name stands there."""

HASH: Final = "SHA-256"
"""The algorithm of a paper's hash; named with every hash, so that SM3 may stand beside it."""


class Correction(BaseModel):
    """What a correction paper says beside the findings."""

    model_config = ConfigDict(frozen=True)

    number: int
    answer_by: date | None = None
    supervised: str | None = None


class Tried(BaseModel):
    """An earlier way that failed, and when; why is sealed beside the receiver's name."""

    model_config = ConfigDict(frozen=True)

    method: str
    at: datetime


class Proof(BaseModel):
    """What a proof of delivery says: which paper, how, when, handed over by whom; of a public notice on which ground, and
    what was tried before."""

    model_config = ConfigDict(frozen=True)

    paper_id: UUID
    title: str
    number: str
    method: str
    at: datetime
    takes_effect: datetime
    relation: str | None = None
    by: str
    ground: str | None = None
    tried: tuple[Tried, ...] = ()


class Moment(BaseModel):
    """What a paper rests on as it stood when the paper was made; nothing personal in it that is not sealed.

    `by` are the accounts that answer for it, none for a rule; `law` the bases its file names (a proof's terms);
    `tolerances` and `commitment` what was promised, or came.
    """

    model_config = ConfigDict(frozen=True)

    items: tuple[ItemView, ...] = ()
    by: tuple[str, ...] = ()
    correction: Correction | None = None
    proof: Proof | None = None
    law: tuple[str, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    commitment: Commitment | None = None
    receiver: Sealed | None = None


class Filed(BaseModel):
    """What of an application stands in its papers, read from its document without the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    application_no: str
    bundle: str | None = None
    accept_region: str
    places: dict[str, str] = Field(default_factory=dict)
    unit: str | None = None
    channel: Channel
    received_at: datetime
    query_code: str
    submission: Sealed
    sealed_round: int = 1
    materials: list[dict[str, Any]] = Field(default_factory=list)

    def place_of(self, matter: str) -> str:
        """Where a matter of it is handled: whoever has authority there stands in its papers."""
        return self.places.get(matter, self.accept_region)


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper that was made and is not numbered yet."""

    id: UUID
    case_id: UUID
    kind: str
    made_at: datetime
    moment: Moment


def by_person(draft: Draft) -> bool:
    """Whether a person made it necessary though no account stands in what the service told: a pause, its end, findings
    that a handler wrote (their words are sealed)."""
    written = any(finding.sealed is not None for item in draft.moment.items for finding in item.findings)
    return draft.kind in ("pause", "resume") or (draft.kind == "correction" and written)


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as it rests: content sealed once it is issued. `delivered_at` is when its delivery takes effect."""

    id: UUID
    case_id: UUID
    kind: str
    title: str
    made_at: datetime
    moment: Moment
    number: str | None = None
    digest: str | None = None
    content: Sealed | None = None
    held: str | None = None
    delivered_at: datetime | None = None

    @property
    def issued(self) -> bool:
        """Whether it has its number, and can never change."""
        return self.number is not None


Content = Mapping[str, Any]
"""What stands in a paper, as canonical JSON is made of it."""
