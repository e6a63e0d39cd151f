"""What no body, path or query may hold, whatever is behind it: text that cannot be stored, and JSON built to break.

PostgreSQL takes no NUL, UTF-8 no lone surrogate, JSON at rest no number beyond 64 bits; and nothing that people fill in
is nested deeper than a few levels.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson
from python_multipart.multipart import parse_options_header

DEEPEST: Final = 32
_TEXT: Final = frozenset({"utf-8", "ascii"})
_JSON, _FORM = "json", "application/x-www-form-urlencoded"
_LONGEST_INT: Final = 1 << 63
_MAY_BE_LONG: Final = re.compile(rb"[0-9]{19}|[0-9][eE]")


def unfit_address(path: str, query: bytes) -> bool:
    """Whether a path or query holds a NUL."""
    return "\0" in path or b"%00" in query or b"\0" in query


def unread(content_type: str) -> bool:
    """Whether a form asks to be read in another way than UTF-8 (415): the sender would choose among all the codecs that
    there are, and some take minutes for a megabyte."""
    if not content_type.lower().startswith("multipart/"):
        return False
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8").decode("latin-1")
    try:
        return codecs.lookup(charset).name not in _TEXT
    except (LookupError, ValueError):
        return True


def unfit(content_type: str, body: bytes) -> bool:
    """Whether a body must be refused (400); one that is no JSON at all is left to the parser, which says where."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        return b"%00" in body or b"\0" in body
    if not body or not kind.endswith(_JSON):
        return b"\0" in body and kind.startswith("multipart/form-data")
    try:
        return _breaks(orjson.loads(body), body)
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


def _unstorable(value: Any) -> bool:
    return (isinstance(value, str) and "\0" in value) or (isinstance(value, float) and abs(value) >= _LONGEST_INT)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()
