"""PDF: from its header to its end mark, without scripts, programs, forms that send, files within, or a password."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from shared.files.unfit import Unfit

_HEADER: Final = re.compile(rb"%PDF-[12]\.[0-9]")
_END: Final = b"%%EOF"
_NAME: Final = re.compile(rb"/((?:[A-Za-z0-9]|#[0-9A-Fa-f]{2}){2,40})")
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM: Final = re.compile(rb"stream\r?\n")
_DICTIONARY: Final = 1024
_MOST_INFLATED: Final = 64 * 1024 * 1024

ACTIVE: Final = frozenset(
    {
        *(b"JavaScript", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA"),
        *(b"SubmitForm", b"ImportData", b"GoToE", b"Movie", b"Rendition"),
    }
)
"""Names under which a PDF does something, or carries something, when it is opened."""


def look(content: bytes) -> None:
    """`Unfit` unless it is one PDF from end to end that shows pages and does nothing."""
    if not _HEADER.match(content):
        raise Unfit("FILE_DAMAGED")
    end = content.rfind(_END)
    if end < 0:
        raise Unfit("FILE_DAMAGED")
    if content[end + len(_END) :].strip(b"\x00\t\n\x0c\r "):
        raise Unfit("FILE_TWO_IN_ONE")
    names = _names(content)
    if b"Encrypt" in names:
        raise Unfit("FILE_ENCRYPTED")
    if names & ACTIVE or any(_names(inside) & ACTIVE for inside in _object_streams(content)):
        raise Unfit("FILE_ACTIVE")


def _names(content: bytes) -> set[bytes]:
    """Every name in it, however it is spelt (`/J#61vaScript`)."""
    found = set(_NAME.findall(content))
    return {_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), name) if b"#" in name else name for name in found}


def _object_streams(content: bytes) -> Iterator[bytes]:
    """The objects that lie compressed, where a plain search would not see their names."""
    left = _MOST_INFLATED
    for found in _STREAM.finditer(content):
        said = content[max(0, found.start() - _DICTIONARY) : found.start()]
        if b"ObjStm" not in _names(said[said.rfind(b"obj") :]):
            continue
        inside = _inflated(content, found.end(), left)
        left -= len(inside)
        yield inside


def _inflated(content: bytes, at: int, most: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        inside = inflate.decompress(memoryview(content)[at:], most)
    except zlib.error:
        raise Unfit("FILE_DAMAGED") from None  # another filter, or none: what cannot be looked into is not taken
    if len(inside) >= most:
        raise Unfit("FILE_BOMB")
    return inside
