"""Pydantic's complaints in the words of the house: one pointer, stable code and bilingual sentence a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.errors import FieldError

_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("REQUIRED", "必填 / required"),
    "extra_forbidden": ("UNKNOWN_FIELD", "没有这个字段 / no such field"),
    "json_invalid": ("JSON_INVALID", "不是有效的 JSON / this is not valid JSON"),
    "string_too_long": ("TOO_LONG", "最多 {max_length} 个字 / at most {max_length} characters"),
    "string_too_short": ("TOO_SHORT", "至少 {min_length} 个字 / at least {min_length} characters"),
    "too_long": ("TOO_MANY", "最多 {max_length} 项 / at most {max_length} entries"),
    "too_short": ("TOO_FEW", "至少 {min_length} 项 / at least {min_length} entries"),
    "string_pattern_mismatch": ("FORMAT", "格式有误 / the form is wrong"),
    "enum": ("NOT_ALLOWED", "应为 {expected} 之一 / must be one of {expected}"),
    "literal_error": ("NOT_ALLOWED", "应为 {expected} 之一 / must be one of {expected}"),
    "greater_than_equal": ("TOO_SMALL", "不得小于 {ge} / at least {ge}"),
    "greater_than": ("TOO_SMALL", "应大于 {gt} / must be greater than {gt}"),
    "less_than_equal": ("TOO_LARGE", "不得大于 {le} / at most {le}"),
    "less_than": ("TOO_LARGE", "应小于 {lt} / must be less than {lt}"),
}
_WRONG: Final = ("FORMAT", "格式有误 / the form is wrong")


def field_errors(errors: Iterable[Any], base: str = "") -> list[FieldError]:
    """The entries of pydantic's `ValidationError.errors()` as ours; what was typed in is never repeated.

    `base` is the JSON pointer of what was validated (`/form/death`).
    """
    return [FieldError(base + pointer(error["loc"]), *_words(error)) for error in errors]


def pointer(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901); the empty one means the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _words(error: Mapping[str, Any]) -> tuple[str, str]:
    kind, ctx = str(error["type"]), error.get("ctx", {})
    if kind in _KNOWN:
        code, text = _KNOWN[kind]
        return code, text.format_map(ctx)
    if kind in {"value_error", "assertion_error"}:
        # Raised by our own validators, whose sentences name no datum.
        return "INVALID", str(error["msg"]).partition(", ")[2] or _WRONG[1]
    return _WRONG
