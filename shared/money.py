"""Money: `Decimal` yuan in code, whole fen in the database, a string with two decimals in JSON."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

FEN = Decimal("0.01")
ZERO = Decimal("0.00")
_PATTERN = r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$"
_TEXT = re.compile(_PATTERN)


def yuan(value: str | int | Decimal) -> Decimal:
    """The amount in yuan with two decimals; floats, more than two decimals and over 13 digits raise `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        # A ValueError, since pydantic turns no other into a field's error.
        raise ValueError('金额应为两位小数的字符串,如 "12.30" / money is a string with two decimals')  # noqa: TRY004
    if isinstance(value, Decimal):
        value = f"{value.normalize():f}" if value.is_finite() else "not finite"
    if not _TEXT.fullmatch(str(value)):
        raise ValueError('金额最多两位小数,如 "12.30" / at most two decimals')
    return Decimal(str(value)).quantize(FEN) + ZERO  # adding zero turns -0.00 into 0.00


def round_yuan(value: Decimal) -> Decimal:
    """The amount rounded to the fen, halves away from zero (四舍五入)."""
    return yuan(value.quantize(FEN, ROUND_HALF_UP))


def to_fen(value: Decimal) -> int:
    """Whole fen; raises `ValueError` rather than round."""
    return int(yuan(value).scaleb(2))


def from_fen(fen: int) -> Decimal:
    """Yuan with two decimals."""
    return yuan(Decimal(fen).scaleb(-2))


def format_yuan(value: Decimal) -> str:
    """`12.30`: two decimals, no separators; raises `ValueError` rather than round."""
    return f"{yuan(value):f}"


def _from_input(value: object) -> Decimal:
    if not isinstance(value, str | Decimal):
        raise ValueError('金额应为字符串,如 "12.30" / money is a string like "12.30"')  # noqa: TRY004
    return yuan(value)


Yuan = Annotated[
    Decimal,
    BeforeValidator(_from_input),
    PlainSerializer(format_yuan, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["12.30"]}),
]
"""A Pydantic field of money: reads a string (or `Decimal`), writes a string with two decimals."""

NonNegativeYuan = Annotated[Yuan, Field(ge=0)]
"""Money that is never below zero."""
