"""The templates of papers as data, and the guard that none of them may leave out the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.entries import read_yaml
from shared.errors import Misconfigured

FILE: Final = Path(__file__).with_name("templates.yaml")
AGAINST: Final = frozenset(
    {"denial", "non_acceptance", "stop", "reduction", "revocation", "recovery", "termination"},
)
"""Kinds that go against the person (不予、停发、减发、撤销、追缴、终止): they name the remedy, whatever a file says."""
REMEDY: Final = "remedy"


class Words(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str


class Template(BaseModel):
    """One kind of paper: titles, the word of its number, its parts in their order; `internal`: it goes to units alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Words
    word: str
    parts: tuple[str, ...]
    against: bool = False
    internal: bool = False
    opening: str = ""
    closing: str = ""


Templates = Mapping[str, Template]


@cache
def internal() -> tuple[str, ...]:
    """The kinds that go to units alone: no applicant is shown or given one."""
    return tuple(kind for kind, template in templates().items() if template.internal)


@cache
def templates() -> Templates:
    """The templates in force, read and checked at first use."""
    return read(read_yaml(FILE))


def read(rows: Mapping[str, Any]) -> Templates:
    """The templates of a file; `Misconfigured` for a kind that goes against the person and does not name the remedy,
    for two with one word, or for one that is missing."""
    try:
        found = {kind: Template.model_validate(row) for kind, row in rows.items()}
    except ValidationError as cause:
        raise Misconfigured(str(FILE), f"文书模板有误:{cause.errors()[0]['msg']}", "a wrong template") from cause
    for kind in sorted(AGAINST - found.keys()):
        raise _wrong(kind, "缺少这种文书的模板", "no template of this kind")
    for kind, template in found.items():
        if (template.against or kind in AGAINST) and REMEDY not in template.parts:
            raise _wrong(kind, "不利于当事人的文书必须载明救济途径", "it goes against a person and names no remedy")
    words = [t.word for t in found.values()]
    for kind, template in found.items():
        if words.count(template.word) > 1:
            raise _wrong(kind, f"字号“{template.word}”重复", "two kinds share the word of their numbers")
    return found


def _wrong(kind: str, zh: str, en: str) -> Misconfigured:
    return Misconfigured(f"{FILE.name}: {kind}", zh, en)
