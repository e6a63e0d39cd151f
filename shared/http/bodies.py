"""What no body, path or query may hold, whatever is behind it: text that cannot be stored, and JSON built to break.

PostgreSQL takes no NUL, UTF-8 no lone surrogate, JSON at rest no number beyond 64 bits; nothing that people fill in is
nested deeper than a few levels, and of a name that stands twice nobody can say which was meant.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from fastapi import params
from python_multipart.multipart import parse_options_header

DEEPEST: Final = 32
_TEXT: Final = frozenset({"utf-8", "ascii"})
_JSON, _FORM = "json", "application/x-www-form-urlencoded"
_FORMS: Final = frozenset({_FORM, "multipart/form-data"})
_PLAIN: Final = frozenset({"", "identity"})
_LONGEST_INT: Final = 1 << 63
_MAY_BE_LONG: Final = re.compile(rb"(?<![^\s:,\[-])[0-9](?:[0-9.]*[eE]|[0-9]{18})")
"""A number of JSON that may be beyond 64 bits; what stands in quotation marks, as an account's number, begins otherwise."""


def unfit_address(path: str, query: bytes) -> bool:
    """Whether a path or query holds a NUL."""
    return "\0" in path or b"%00" in query or b"\0" in query


def unread(content_type: str, encoding: str = "") -> bool:
    """Whether a body asks to be read in another way than plain UTF-8 (415): the sender would choose among all the codecs
    that there are, and some take minutes for a megabyte."""
    if encoding.strip().lower() not in _PLAIN:
        return True
    if "charset" not in content_type.lower():
        return False
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8").decode("latin-1")
    try:
        return codecs.lookup(charset).name not in _TEXT
    except (LookupError, ValueError):
        return True


def misfits(headers: Mapping[str, str], route: Any) -> bool:
    """Whether a body came and is of another kind than its route reads: JSON, or a form."""
    field = getattr(route, "body_field", None)
    if field is None or (headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers):
        return False
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind not in _FORMS if isinstance(field.field_info, params.Form) else not kind.endswith(_JSON)


def unfit(content_type: str, body: bytes) -> bool:
    """Whether a body must be refused (400); one that is no JSON at all is left to the parser, which says where."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        return b"%00" in body or b"\0" in body
    if not body or not kind.endswith(_JSON):
        return b"\0" in body and kind.startswith("multipart/form-data")
    try:
        return _breaks(orjson.loads(body), body) or _twice(body)
    except orjson.JSONDecodeError:
        return _parses(body)


def _parses(body: bytes) -> bool:
    """Whether the standard parser takes what the strict one refuses (lone surrogates, NaN)."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _breaks(content: Any, body: bytes) -> bool:
    few = body.count(b"[") + body.count(b"{") <= DEEPEST
    if few and b"\\u0000" not in body and not _MAY_BE_LONG.search(body):
        return False
    layer: list[Any] = [content]
    for _ in range(DEEPEST + 1):
        if any(_unstorable(value) for value in layer):
            return True
        layer = [inner for value in layer for inner in _inside(value)]
        if not layer:
            return False
    return True


def _twice(body: bytes) -> bool:
    """Whether an object names something twice."""
    try:
        json.loads(body, object_pairs_hook=_once)
    except KeyError:
        return True
    return False


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise KeyError


def _unstorable(value: Any) -> bool:
    return (isinstance(value, str) and "\0" in value) or (isinstance(value, float) and abs(value) >= _LONGEST_INT)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()
