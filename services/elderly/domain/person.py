"""Whose benefit it is, and when that person was born."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.handling.model import Work
from shared.identity import birth_of


def person_of(work: Work) -> Mapping[str, Any]:
    """Whose benefit it is: the subject where there is one, else who applies."""
    parties = work.part.parties
    found: Mapping[str, Any] = parties.get("subject") or parties.get("applicant", {})
    return found


def birth(person: Mapping[str, Any]) -> date | None:
    """The birth date that the person's number holds."""
    return birth_of(str(person.get("id_no", "")))
