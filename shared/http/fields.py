"""Pydantic's complaints in the words of the house: one pointer, stable code and bilingual sentence a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.complaints import sentence
from shared.errors import FieldError

_CODES: Final[Mapping[str, str]] = {
    "missing": "REQUIRED",
    "extra_forbidden": "UNKNOWN_FIELD",
    "json_invalid": "JSON_INVALID",
    "string_too_long": "TOO_LONG",
    "string_too_short": "TOO_SHORT",
    "too_long": "TOO_MANY",
    "too_short": "TOO_FEW",
    "enum": "NOT_ALLOWED",
    "literal_error": "NOT_ALLOWED",
    "greater_than_equal": "TOO_SMALL",
    "greater_than": "TOO_SMALL",
    "less_than_equal": "TOO_LARGE",
    "less_than": "TOO_LARGE",
    "value_error": "INVALID",
    "assertion_error": "INVALID",
}


def field_errors(errors: Iterable[Any], base: str = "") -> list[FieldError]:
    """The entries of pydantic's `ValidationError.errors()` as ours; what was typed in is never repeated.

    `base` is the JSON pointer of what was validated (`/form/death`).
    """
    return [
        FieldError(base + pointer(error["loc"]), _CODES.get(error["type"], "FORMAT"), sentence(error))
        for error in errors
    ]


def pointer(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901); the empty one means the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
