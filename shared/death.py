"""A death, as an item's application and its source tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.catalog import deaths
from shared.handling.model import Work


def died_on(work: Work) -> date:
    """The day of death as the source established it; the family's claim where it named none."""
    fact = work.fact("death_confirmed")
    return (fact.occurred_on if fact else None) or deaths.claimed_day(work.part.form)


def deceased(work: Work) -> str | None:
    """The dead person's name."""
    name: str | None = work.part.parties.get("subject", {}).get("name")
    return name


def heir_account(work: Work) -> Mapping[str, Any] | None:
    """The heir's account that the application names, None where it names none that may be paid."""
    return deaths.heir_account(work.part.form, deceased(work))
