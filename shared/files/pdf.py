"""PDF: from its header to its end mark, without scripts, programs, forms that send, files within, or a password."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from shared.files.unfit import Unfit

_HEADER: Final = re.compile(rb"%PDF-[12]\.[0-9]")
_END: Final = b"%%EOF"
_STREAM: Final = re.compile(rb"(?<!end)stream[ \t]*(?:\r\n|\n|\r)")
_PIECE: Final = 64 * 1024
_LONGEST_NAME: Final = 160
_MOST_STREAMS: Final = 20_000
_MOST_INFLATED: Final = 128 * 1024 * 1024
"""Fifteen pages at 300 dpi in shades of grey that nobody packed as a picture."""

ACTIVE: Final = frozenset(
    {
        *(b"JavaScript", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA"),
        *(b"SubmitForm", b"ImportData", b"GoToE", b"Movie", b"Rendition"),
    }
)
"""Names under which a PDF does something, or carries something, when it is opened."""
_TABLES: Final = frozenset({b"ObjStm", b"XRef"})
"""Without either of these no object lies packed."""
_TOLD: Final = ACTIVE | _TABLES | {b"Encrypt"}
_LETTERS: Final = sorted({letter for name in _TOLD for letter in name})
_SPELT: Final = tuple(
    (spelt, bytes([letter])) for letter in _LETTERS for spelt in sorted({b"#%02x" % letter, b"#%02X" % letter})
)
"""Each letter that matters, as a PDF may write it instead."""
_SPELT_SO: Final = re.compile(rb"/[A-Za-z0-9]{0,40}#[4-7]")


def look(content: bytes) -> None:
    """`Unfit` unless it is one PDF from end to end that shows pages and does nothing."""
    if not _HEADER.match(content):
        raise Unfit("FILE_DAMAGED")
    end = content.rfind(_END)
    if end < 0:
        raise Unfit("FILE_DAMAGED")
    if content[end + len(_END) :].strip(b"\x00\t\n\x0c\r "):
        raise Unfit("FILE_TWO_IN_ONE")
    names = _names(content, _TOLD)
    if b"Encrypt" in names:
        raise Unfit("FILE_ENCRYPTED")
    if names & ACTIVE or (names & _TABLES and any(_names(piece, ACTIVE) for piece in _packed(content))):
        raise Unfit("FILE_ACTIVE")


def _names(content: bytes, wanted: frozenset[bytes]) -> set[bytes]:
    """Which of these names stand in it, however they are spelt (`/J#61vaScript`); by plain searches, which cost the same
    whatever was put there."""
    if _SPELT_SO.search(content):
        for spelt, letter in _SPELT:
            content = content.replace(spelt, letter)
    return {name for name in wanted if b"/" + name in content and re.search(b"/" + name + b"(?![A-Za-z0-9])", content)}


def _packed(content: bytes) -> Iterator[bytes]:
    """What lies compressed, where a plain search would not see its names, piece by piece.

    A reader finds packed objects by a table, whatever the dictionary beside a stream says: so all are looked into.
    """
    left = _MOST_INFLATED
    for n, found in enumerate(_STREAM.finditer(content)):
        if n >= _MOST_STREAMS:
            raise Unfit("FILE_BOMB")
        for m, piece in enumerate(_inflated(content, found.end())):
            left -= len(piece) or _PIECE  # a step that failed costs what a whole one does
            if left < 0:
                raise Unfit("FILE_BOMB")
            yield piece
            if m == 0 and any(_inflated(piece, 0)):
                raise Unfit("FILE_DAMAGED")  # packed twice: what cannot be looked into is not taken


def _inflated(content: bytes, at: int) -> Iterator[bytes]:
    """What comes out of a stream, each piece with the end of the one before it; nothing where it is no deflate.

    Readers take what came before an error, and pass over a wrong checksum: so does this, by ever smaller steps.
    """
    inflate, rest, end, most = zlib.decompressobj(), b"", b"", _PIECE
    head = int.from_bytes(content[at : at + 2], "big")
    if head >> 8 & 0x0F != zlib.DEFLATED or head % 31:
        return
    while most and not inflate.eof and (rest or at < len(content)):
        if not rest:
            rest, at = content[at : at + _PIECE], at + _PIECE
        before = inflate.copy()
        try:
            piece = inflate.decompress(rest, most)
        except zlib.error:
            inflate, most = before, most // 2
            yield b""
            continue
        rest = inflate.unconsumed_tail
        if piece:
            yield end + piece
            end = (end + piece)[-_LONGEST_NAME:]
