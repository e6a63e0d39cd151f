"""What a form says of a death: on which day, and into whose account goes what the dead person is still owed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any


def claimed_day(form: Mapping[str, Any]) -> date:
    """The day of death as the family gave it."""
    return date.fromisoformat(form["death"]["date"])


def heir_account(form: Mapping[str, Any], deceased: str | None) -> Mapping[str, Any] | None:
    """The account for unpaid benefits of an heir who gave the commitment (具结); never one in the dead person's name."""
    payee = form.get("payee")
    if not payee or "unpaid_benefits" not in payee.get("for", ()) or form.get("kinship_commitment") is not True:
        return None
    if payee["holder"] == deceased:
        return None
    return {name: payee[name] for name in ("holder", "number")}
