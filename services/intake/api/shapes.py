"""The shapes of the answers about applications, as the public contract has them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.protocol import Finding
from shared.http.documented import Shown
from shared.outcomes import ApplicationStatus, CaseOutcome, ItemStatus, Lamp, Nature, WaitKind


class DueShown(Shown):
    """Beijing dates; provisional when the year's calendar is not published."""

    promised: date | None
    legal: date | None
    provisional: bool


class WaitingShown(Shown):
    """Whom or what an item waits for."""

    kind: WaitKind
    name: str
    since: datetime
    until: date | None


class ResultShown(Shown):
    """What came of an item; each matter adds its own values. A stop's `from` is the first month not paid."""

    model_config = ConfigDict(extra="allow")

    outcome: ItemStatus
    reason_code: str
    law: str
    by_rule: bool


class MaterialShown(BaseModel):
    """A material as it was handed in; what there is nothing to say of is left out."""

    type: str
    source: str
    file_id: str | None = None
    form: str | None = None
    copies: int | None = None
    original_seen: bool | None = None
    promise_by: date | None = None
    seen_by: str | None = None
    seen_at: datetime | None = None
    returned_by: str | None = None
    returned_at: datetime | None = None


class FetchedShown(Shown):
    """A paper nobody had to bring: who holds it, which services get it, and whether they have."""

    type: str
    name: str
    holder: str
    services: list[str]
    state: Literal["pending", "fetched"]


class NotAskedShown(Shown):
    """免交份 and 应交份: of so many papers due, so many nobody had to bring."""

    count: int
    of: int
    fetched: list[FetchedShown]


class ToleranceShown(Shown):
    """A secondary material that follows by a day (容缺): nothing is granted or paid before it has come."""

    material: str
    promise_by: date
    state: Literal["open", "cured", "overdue"]


class CommitmentShown(Shown):
    """A commitment (告知承诺): which text was told and signed, when it is checked, and what the check found."""

    material: str
    version: str
    informed_at: datetime
    signed_at: datetime
    method: Literal["written", "electronic"]
    verify_due: date
    state: Literal["open", "checking", "true", "false", "moot", "repaired"]


class ItemShown(Shown):
    """One matter inside the case 子件."""

    id: UUID
    matter: str
    service: str
    nature: Nature
    status: ItemStatus
    stage: str
    stage_name: str
    round: int
    due: DueShown
    lamp: Lamp
    waiting_on: WaitingShown | None
    external_no: str | None
    findings: list[Finding]
    result: ResultShown | None


class ExaminationClock(Shown):
    """From receiving to acceptance, the one correction paper, or non-acceptance."""

    due: date
    lamp: Lamp


class HandlingClock(DueShown):
    """From acceptance to the decision."""

    lamp: Lamp


class ClockShown(Shown):
    """Both clocks; the second runs from the first acceptance on. `whole` is when all of it is to end (全案), along the longest
    way through its matters: provisional while one that another waits for is not decided."""

    examination: ExaminationClock
    handling: HandlingClock | None
    whole: DueShown | None


class PaperShown(Shown):
    """A formal paper 文书."""

    id: UUID
    kind: str
    title: str
    issued_at: datetime
    delivered_at: datetime | None


class FileShown(Shown):
    """A file that was taken in; `scanned` false: nobody looked for viruses 未查毒. `quarantined`: not to be used yet."""

    file_id: UUID
    sha256: str
    type: str = Field(description="by its content")
    size: int
    state: Literal["clean", "quarantined"]
    scanned: bool


class SummaryShown(Shown):
    """An application as it stands in a list."""

    application_no: str
    case_id: UUID
    version: int
    status: ApplicationStatus
    outcome: CaseOutcome | None
    bundle: str | None
    accept_region: str
    channel: str
    received_at: datetime
    accepted_at: datetime | None
    clock: ClockShown


class ApplicationShown(SummaryShown):
    """The whole application, as commands answer it."""

    items: list[ItemShown]
    materials: list[MaterialShown]
    not_asked: NotAskedShown
    tolerances: list[ToleranceShown]
    commitments: list[CommitmentShown]
    papers: list[PaperShown]


class ApplicationReceivedShown(ApplicationShown):
    """What handing in answers; `query_code` is told this once."""

    query_code: str


class ApplicationSeen(ApplicationShown):
    """The application with its people, masked for staff."""

    parties: dict[str, Any]


class FoundShown(SummaryShown):
    """A row of the search, people masked."""

    parties: dict[str, Any]


class SearchPage(Shown):
    """Newest first."""

    items: list[FoundShown]
    next: str | None


class LineShown(Shown):
    """One thing that happened, in words a citizen understands."""

    seq: int
    at: datetime
    kind: str
    text_zh: str
    text_en: str


class TimelinePage(Shown):
    """Oldest first."""

    items: list[LineShown]
    next: str | None


class ProgressItem(Shown):
    """How far one matter is."""

    matter: str
    name: str
    status: ItemStatus
    status_name: str
    stage_name: str
    lamp: Lamp
    promised: date | None
    waiting_on: WaitKind | None
    must_act: bool


class ProgressShown(Shown):
    """What the holder of the query code sees: no person, no result's content."""

    application_no: str
    status: ApplicationStatus
    status_name: str
    outcome: CaseOutcome | None
    received_at: datetime
    clock: ClockShown
    items: list[ProgressItem]
    timeline: list[LineShown]


class DraftSaved(Shown):
    """A draft without its content."""

    id: UUID
    version: int
    saved_at: datetime
    expires_at: datetime
    application_no: str | None


class DraftShown(DraftSaved):
    """A draft; without content once it was handed in."""

    content: dict[str, Any] | None = Field(description="a Submission, or any part of one")


class ObjectionShown(Shown):
    """An objection to an established fact; minutes from raising it until all was held back, and undone."""

    id: UUID
    application_no: str
    fact: str
    ground: str
    reason: str
    state: str
    raised_at: datetime
    due: date | None
    decided_at: datetime | None
    frozen_after_minutes: float | None
    undone_after_minutes: float | None


class ObjectionPage(Shown):
    """The objections of one application."""

    items: list[ObjectionShown]
    next: None
