"""The inputs of a rule that is worked out by hand: texts by name, each read, or refused (`Invalid`) at its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from shared.errors import FieldError, Invalid
from shared.money import yuan
from shared.months import first_day, month_of


def given(inputs: Mapping[str, str], name: str) -> str:
    """What was given by this name."""
    if name not in inputs:
        raise Invalid([FieldError(f"/{name}", "REQUIRED")])
    return inputs[name]


def money(inputs: Mapping[str, str], name: str) -> Decimal:
    """Yuan."""
    try:
        return yuan(given(inputs, name))
    except ValueError as cause:
        raise Invalid([FieldError(f"/{name}", "FORMAT", str(cause))]) from None


def count(inputs: Mapping[str, str], name: str) -> int:
    """A whole number; 1 where none was given."""
    try:
        return int(inputs.get(name, "1"))
    except ValueError:
        raise Invalid([FieldError(f"/{name}", "FORMAT", "应为整数 / a whole number")]) from None


def day(inputs: Mapping[str, str], name: str) -> date:
    """A date."""
    try:
        return date.fromisoformat(given(inputs, name))
    except ValueError:
        raise Invalid([FieldError(f"/{name}", "FORMAT", "日期形如 2026-11-10 / a date like 2026-11-10")]) from None


def month(inputs: Mapping[str, str], name: str) -> str | None:
    """A month (`2026-11`); None where none was given."""
    if name not in inputs:
        return None
    try:
        return month_of(first_day(inputs[name]))
    except ValueError:
        raise Invalid([FieldError(f"/{name}", "FORMAT", "月份形如 2026-11 / a month like 2026-11")]) from None
