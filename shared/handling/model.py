"""The item and its tasks, as every handling service keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar import Span
from shared.catalog.protocol import (
    Due,
    Extension,
    FactResult,
    Finding,
    MaterialRef,
    Pause,
    PrerequisiteResult,
    WaitingOn,
)
from shared.changes import State
from shared.crypto import Sealed
from shared.outcomes import Decision, Nature


class DecisionRecord(BaseModel):
    """What a person decided on a task: who, when, what. The comment is kept sealed in the item's notes."""

    model_config = ConfigDict(frozen=True)

    task_id: UUID
    kind: str
    stage: str
    outcome: str
    reason_code: str
    by: str
    at: datetime
    result: dict[str, Any] = Field(default_factory=dict)


class Task(BaseModel):
    """A piece of work (待办) for a person in a role of a unit, with a date.

    `barred` are the accounts that four eyes keep away, `kin` those of them that are near relatives of a person concerned;
    `escalation` counts stand-in, leader, unit above, which let in further accounts (`admitted`) and roles (`also_roles`);
    the next one comes on `escalate_on`. `days` are the working days from its opening to `due`, pauses among them; `paused`: by
    how many its dates were moved for a pause that still runs. `data` is public.
    """

    id: UUID
    kind: str
    stage: str
    state: str = "open"
    unit: str
    role: str
    region: str
    due: date
    provisional: bool = False
    reason_code: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    barred: list[str] = Field(default_factory=list)
    kin: list[str] = Field(default_factory=list)
    holder: str | None = None
    lease: UUID | None = None
    lease_until: datetime | None = None
    escalation: int = 0
    escalate_on: date | None = None
    days: int | None = None
    paused: int | None = None
    admitted: list[str] = Field(default_factory=list)
    until: dict[str, date] = Field(default_factory=dict)
    also_roles: list[str] = Field(default_factory=list)
    opened_at: datetime
    closed_at: datetime | None = None


class Frozen(BaseModel):
    """A doubt that holds an item's effects back, since when."""

    model_config = ConfigDict(frozen=True)

    ground: str
    since: datetime


class Reversal(BaseModel):
    """Why an item's decision is to be undone, in which round it was asked for; `refused`: a person let it stand."""

    model_config = ConfigDict(frozen=True)

    round: int
    cause: str
    reason_code: str
    law: str
    refused: bool = False


class Item(State):
    """One matter inside one case, as its service handles it.

    `phase` is open, decided (waiting for `ItemSettled`), settled, returned, ended, or revoked (in force and undone).
    `part` is the sealed application part, `notes` this service's own sealed notes (answers of sources, comments).
    `facts` and `results` came with `ItemReady`; `answers` says which asks are answered and how (their data is in the
    notes), `waits` what the open ones wait for, `wakes` when the procedure wants to be called again (None: it was).
    `decisions` count now, `past` ones were taken in an earlier round or sent back. `conclusion` is what was decided,
    `done` the effects carried out. `frozen` are the doubts that hold its effects, `held` says that `settled` waits for
    their end; `reversal` is asked for.
    """

    case_id: UUID
    application_no: str
    matter: str
    definition: str
    nature: Nature
    round: int
    unit: str
    region: str
    received_at: datetime
    received_on: date | None = None
    check: str = "formal"
    checked: bool = False
    ready: bool = False
    to_person: bool = False
    phase: str = "open"
    accepted_at: datetime | None = None
    ready_at: datetime | None = None
    due: Due = Due()
    pause: Pause | None = None
    pauses: list[Span] = Field(default_factory=list)
    extension: Extension | None = None
    stage: str = ""
    stage_name: str = ""
    reviewing: bool = False
    reason_code: str | None = None
    person_ref: str | None = None
    part: Sealed
    part_round: int = 1
    notes: Sealed | None = None
    materials: list[MaterialRef] = Field(default_factory=list)
    acted: list[str] = Field(default_factory=list)
    results: list[PrerequisiteResult] = Field(default_factory=list)
    facts: list[FactResult] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    asked: list[str] = Field(default_factory=list)
    answers: dict[str, str] = Field(default_factory=dict)
    waits: dict[str, WaitingOn] = Field(default_factory=dict)
    wakes: dict[str, datetime | None] = Field(default_factory=dict)
    decisions: list[DecisionRecord] = Field(default_factory=list)
    past: list[DecisionRecord] = Field(default_factory=list)
    tasks: list[Task] = Field(default_factory=list)
    waiting_on: WaitingOn | None = None
    outcome: Decision | None = None
    conclusion: dict[str, Any] = Field(default_factory=dict)
    done: list[UUID] = Field(default_factory=list)
    frozen: list[Frozen] = Field(default_factory=list)
    held: bool = False
    reversal: Reversal | None = None
    data: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """The opened part of the application that this matter declares: parties by role and the form's cut."""

    parties: Mapping[str, Any]
    form: Mapping[str, Any]


@dataclass(slots=True)
class Work:
    """All that a procedure looks at: the item, its opened part, the opened notes.

    `answers[name]` is the data of an answered ask (`{"status": …, "data": …, "source": …, "source_no": …}`).
    """

    item: Item
    part: Part
    answers: dict[str, dict[str, Any]]
    notes: dict[str, Any]

    def answer(self, name: str) -> dict[str, Any] | None:
        """The answer to an ask, None while it is open or silent."""
        found = self.answers.get(name)
        return None if found is None or found["status"] == "silent" else found

    def decision(self, kind: str) -> DecisionRecord | None:
        """The last decision a person took on a task of this kind in this round (not one that was sent back)."""
        return next((d for d in reversed(self.item.decisions) if d.kind == kind), None)

    def said(self, kind: str) -> dict[str, Any]:
        """What was said in confidence with that decision: `comment`, `hearing {at, said}`, `personal`."""
        record = self.decision(kind)
        found: dict[str, Any] = self.notes.get("said", {}).get(str(record.task_id), {}) if record else {}
        return found

    def fact(self, name: str) -> FactResult | None:
        """What is established of a fact the item waited for."""
        return next((f for f in self.item.facts if f.fact == name), None)
