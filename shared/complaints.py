"""What Pydantic complains of, in the words of the house: one pointer, one stable code and one sentence a field, which
says in Chinese and English what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.codes import CODES
from shared.errors import FieldError

WRONG: Final = "格式有误 / the form is wrong"

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
    "greater_than_equal": "OUT_OF_RANGE",
    "greater_than": "OUT_OF_RANGE",
    "less_than_equal": "OUT_OF_RANGE",
    "less_than": "OUT_OF_RANGE",
}
LONGEST: Final = 60
"""Characters of one part of a pointer: the name of a field that there is not is whatever somebody typed."""

_SENTENCES: Final[Mapping[str, str]] = {
    "string_too_long": "最多 {max_length} 个字 / at most {max_length} characters",
    "string_too_short": "至少 {min_length} 个字 / at least {min_length} characters",
    "too_long": "最多 {max_length} 项 / at most {max_length} entries",
    "too_short": "至少 {min_length} 项 / at least {min_length} entries",
    "string_pattern_mismatch": "格式有误,应符合 {pattern} / the form is wrong, it must match {pattern}",
    "enum": "应为 {zh} 之一 / must be one of {en}",
    "literal_error": "应为 {zh} 之一 / must be one of {en}",
    "greater_than_equal": "不得小于 {ge} / at least {ge}",
    "greater_than": "应大于 {gt} / must be greater than {gt}",
    "less_than_equal": "不得大于 {le} / at most {le}",
    "less_than": "应小于 {lt} / must be less than {lt}",
}
_KINDS: Final = (
    (
        "datetime",
        "应为带时区的时刻,如 2026-11-21T09:00:00+08:00 / a moment with its zone, as 2026-11-21T09:00:00+08:00",
    ),
    (
        "timezone",
        "应为带时区的时刻,如 2026-11-21T09:00:00+08:00 / a moment with its zone, as 2026-11-21T09:00:00+08:00",
    ),
    ("date", "应为日期,如 2026-11-21 / must be a day, as 2026-11-21"),
    ("uuid", "应为编号(UUID) / must be an id (a UUID)"),
    ("int", "应为整数 / must be a whole number"),
    ("bool", "应为 true 或 false / must be true or false"),
    ("string", "应为文字 / must be a text"),
    ("list", "应为列表 / must be a list"),
    ("dict", "应为对象 / must be an object"),
    ("model", "应为对象 / must be an object"),
)
"""By the first word of the type, for what has no sentence of its own."""


def field_errors(errors: Iterable[Any], base: str = "") -> list[FieldError]:
    """The entries of `ValidationError.errors()` as wrong fields under a JSON pointer (`/form/death`), one a place, in
    order; what was typed in is never repeated."""
    found: dict[str, FieldError] = {}
    for error in errors:
        at = base + pointer(error["loc"])
        found.setdefault(at, FieldError(at, code(error["type"]), sentence(error)))
    return list(found.values())


def pointer(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901), no part of it longer than a name is; the empty one means the whole document."""
    return "".join("/" + str(part)[:LONGEST].replace("~", "~0").replace("/", "~1") for part in path)


def code(kind: str) -> str:
    """The stable code of a kind of complaint; our own kinds are codes already."""
    return kind if kind.isupper() else _CODES.get(kind, "FORMAT")


def sentence(error: Mapping[str, Any]) -> str:
    """One entry of `ValidationError.errors()` in both languages; what was typed in is never repeated.

    The sentence of an own validator (a `ValueError`) is told as it stands: it names no datum.
    """
    kind, ctx = str(error["type"]), error.get("ctx") or {}
    if kind.isupper():
        return str(ctx.get("told") or CODES.get(kind) or error["msg"])
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map(_known(ctx))
    if kind in _CODES:
        return CODES[_CODES[kind]]
    if kind in {"value_error", "assertion_error"}:
        return str(error["msg"]).partition(", ")[2] or WRONG
    return next((text for start, text in _KINDS if kind.startswith(start)), WRONG)


def _known(ctx: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema, never an answer, has said; the values allowed as a list in either language."""
    allowed = re.findall(r"'([^']*)'", str(ctx.get("expected", "")))
    return {**ctx, "zh": "、".join(allowed), "en": ", ".join(allowed)}
