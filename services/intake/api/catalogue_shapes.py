"""The shapes of the public catalogue."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from shared.catalog.protocol import Limit
from shared.entries import Confidence
from shared.http.documented import Shown
from shared.outcomes import Nature


class BundleShort(Shown):
    """A bundle in the list; `local_name` is its name here."""

    code: str
    name: str
    local_name: str
    matters: list[str]


class MatterShort(Shown):
    """A matter in the list."""

    code: str
    name: str
    service: str
    nature: Nature
    labels: list[str]


class CatalogueShown(Shown):
    """Everything in short; `version` changes with anything that is shown or applies."""

    version: str
    bundles: list[BundleShort]
    matters: list[MatterShort]


class CommitmentText(Shown):
    """What is told in writing before somebody commits instead of bringing a material; `version` is what they sign."""

    version: str
    title: str
    content: str
    consequences: str
    verify: Limit
    law: str


class MaterialShown(Shown):
    """A material needed; a `fetched` one is got by us and need not be listed."""

    type: str
    name: str
    required: bool
    fetched: bool
    secondary: bool
    follows: Limit | None
    commits: bool
    commitment: CommitmentText | None = Field(description="the text in force where it is asked for")


class NotAsked(Shown):
    """免交份 and 应交份: of so many papers due, so many nobody need bring."""

    count: int
    of: int


class LimitsShown(Shown):
    """How long it may take: promised to the citizen, set by law, and until it is examined."""

    examination: Limit
    promised: Limit | None
    legal: Limit | None


class LawShown(Shown):
    """A legal basis, with how sure we are of it."""

    document: str
    article: str
    effective: date | None
    confidence: Confidence


class MatterShown(Shown):
    """One matter whole; `form` is a JSON Schema (2020-12)."""

    code: str
    name: str
    official_name: str
    aliases: list[str]
    basic_code: str
    version: str
    service: str
    nature: Nature
    task_type: str
    labels: list[str]
    conditions: str
    form: dict[str, Any]
    parties: dict[str, Any] = Field(description="subject, co_applicants, household: whom it takes")
    materials: list[MaterialShown]
    limits: LimitsShown
    after: list[dict[str, Any]]
    facts: list[str]
    rests_on: list[str]
    joins: list[dict[str, Any]]
    check: Literal["formal", "none"]
    pauses: list[dict[str, Any]]
    intimate: bool
    whose: str
    once: Literal["live", "granted", "ever"]
    law: list[LawShown]
    authorities: dict[str, Any]
    papers: list[str]
    yields: list[str] = Field(description="material types that its papers are to other matters")
    not_asked: NotAsked


class BundleShown(Shown):
    """One bundle whole: its matters in order and the one form they share."""

    code: str
    name: str
    local_name: str
    version: str
    intro: str
    matters: list[dict[str, Any]]
    form: dict[str, Any]
    materials: list[MaterialShown]
    not_asked: NotAsked
    fact_sources: dict[str, str]
    law: list[LawShown]
    papers: list[str]


class DefinitionShown(Shown):
    """What a case is handled under, under its SHA-256."""

    bundle: dict[str, Any] | None
    matters: list[dict[str, Any]]
