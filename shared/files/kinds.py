"""What a file is, by its content: a short list of kinds, each held to its own structure to the last byte.

Photographs, scans and signed layouts are all that a window needs. A kind that carries programs by design (office files,
SVG, HTML), hides what it is (archives), or lies in pieces anywhere in a file (TIFF, HEIC) is not taken: its reader turns
it into one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import puremagic

from shared.errors import FieldError, Invalid
from shared.files import layouts, pdf, pictures
from shared.files.unfit import Unfit

HEAD: Final = 512
POINTER: Final = "/file"
_ANYTHING: Final = frozenset({"", "application/octet-stream"})
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_TAIL: Final = 22 + 65_535


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind that is taken: its MIME type, the endings and declared types that fit it, its structure's check."""

    mime: str
    endings: frozenset[str]
    look: Callable[[bytes], None]
    declared: frozenset[str] = frozenset()


PDF = FileKind("application/pdf", frozenset({".pdf"}), pdf.look)
JPEG = FileKind("image/jpeg", frozenset({".jpg", ".jpeg", ".jfif"}), pictures.jpeg, frozenset({"image/jpg"}))
PNG = FileKind("image/png", frozenset({".png"}), pictures.png)
WEBP = FileKind("image/webp", frozenset({".webp"}), pictures.webp)
OFD = FileKind("application/ofd", frozenset({".ofd"}), layouts.ofd, frozenset({"application/zip"}))
"""版式文件 (GB/T 33190): a zip of XML, held to what a layout may hold."""

KINDS: Final = (PDF, JPEG, PNG, WEBP, OFD)


def identify(content: bytes, declared: str = "", name: str = "") -> FileKind:
    """The kind of this content; `Invalid` (at `/file`) for what is not taken, not what it says it is, or holds more
    than it should."""
    try:
        return _identify(content, declared, name)
    except Unfit as unfit:
        raise Invalid([FieldError(POINTER, unfit.code)]) from None


def _identify(content: bytes, declared: str, name: str) -> FileKind:
    if not content:
        raise Unfit("FILE_EMPTY")
    kind = _by_head(content[:HEAD])
    mime = declared.partition(";")[0].strip().lower()
    ending = PurePath(name).suffix.lower()
    if mime not in _ANYTHING | kind.declared | {kind.mime} or (ending and ending not in kind.endings):
        raise Unfit("FILE_TYPE_MISMATCH")
    if kind is not OFD and _ends_as_zip(content):
        raise Unfit("FILE_TWO_IN_ONE")
    kind.look(content)
    return kind


def _by_head(head: bytes) -> FileKind:
    """What the first bytes say; an archive is one of ours only as a layout, which its own check finds out."""
    if head.startswith(b"PK\x03\x04"):
        return OFD
    try:
        found = {match.mime_type for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        found = set()
    kind = next((k for k in KINDS if k.mime in found), None)
    if kind is None:
        raise Unfit("FILE_TYPE_NOT_ALLOWED")
    return kind


def _ends_as_zip(content: bytes) -> bool:
    """Whether a reader of archives would find one here: it looks from the end, whatever the file begins with."""
    at = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_TAIL))
    while at >= 0:
        if at + 22 + int.from_bytes(content[at + 20 : at + 22], "little") == len(content):
            return True
        at = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_TAIL), at)
    return False
