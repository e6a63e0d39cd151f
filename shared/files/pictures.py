"""Pictures, walked from their first byte to their last: nothing before, between or behind what belongs to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from shared.files.unfit import Unfit

MOST_PIXELS: Final = 120_000_000
"""A page at 600 dpi has 35 million; beyond this a small file fills the memory of whoever opens it."""

PROGRAM: Final = re.compile(rb"<script|<\?php|<html|<svg|<!doctype|javascript:|#!/|\x00\x00\x00MZ", re.IGNORECASE)
"""What has no place in the words of a picture (EXIF, XMP, comments)."""

_PNG_WORDS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP"})
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SOI, _EOI, _SOS = b"\xff\xd8", 0xD9, 0xDA
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def png(content: bytes) -> None:
    """`Unfit` unless it is one whole PNG and nothing else."""
    last = b""
    for n, (name, data) in enumerate(_png_chunks(content)):
        if (n == 0) != (name == b"IHDR") or last == b"IEND":
            raise Unfit("FILE_TWO_IN_ONE" if last == b"IEND" else "FILE_DAMAGED")
        if name == b"IHDR":
            _refuse_vast(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"))
        if name in _PNG_WORDS:
            _refuse_program(data)
        last = name
    if last != b"IEND":
        raise Unfit("FILE_DAMAGED")


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = len(_PNG), len(content)
    if content[:at] != _PNG:
        raise Unfit("FILE_DAMAGED")
    ended = False
    while at < end:
        if ended:
            raise Unfit("FILE_TWO_IN_ONE")
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        stop = at + 12 + length
        if stop > end or crc32(content[at + 4 : stop - 4]) != int.from_bytes(content[stop - 4 : stop], "big"):
            raise Unfit("FILE_DAMAGED")
        yield name, content[at + 8 : stop - 4]
        at, ended = stop, name == b"IEND"


def jpeg(content: bytes) -> None:
    """`Unfit` unless it is one whole JPEG, or several one behind the other (multi-picture format), and nothing else."""
    at = 0
    while at < len(content):
        if content[at : at + 2] != _SOI:
            raise Unfit("FILE_DAMAGED" if at == 0 else "FILE_TWO_IN_ONE")
        at = _jpeg_end(content, at + 2)
        at += len(content) - at if not content[at:].strip(b"\x00") else 0  # padding


def _jpeg_end(content: bytes, at: int) -> int:
    while True:
        marker, at = _marker(content, at)
        if marker == _EOI:
            return at
        if marker in _BARE:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if length < 2 or at + length > len(content):
            raise Unfit("FILE_DAMAGED")
        _segment(marker, content[at + 2 : at + length])
        at += length
        if marker == _SOS:
            found = _NEXT_MARKER.search(content, at)
            if found is None:
                raise Unfit("FILE_DAMAGED")
            at = found.start()


def _marker(content: bytes, at: int) -> tuple[int, int]:
    if content[at : at + 1] != b"\xff":
        raise Unfit("FILE_DAMAGED")
    while content[at : at + 1] == b"\xff":
        at += 1
    if at >= len(content):
        raise Unfit("FILE_DAMAGED")
    return content[at], at + 1


def _segment(marker: int, data: bytes) -> None:
    if marker in _FRAMES:
        _refuse_vast(int.from_bytes(data[3:5], "big"), int.from_bytes(data[1:3], "big"))
    elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
        _refuse_program(data)


def webp(content: bytes) -> None:
    """`Unfit` unless it is one whole WebP and nothing else."""
    size = int.from_bytes(content[4:8], "little") + 8
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or size > len(content):
        raise Unfit("FILE_DAMAGED")
    if size != len(content):
        raise Unfit("FILE_TWO_IN_ONE")
    at = 12
    while at < size:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > size:
            raise Unfit("FILE_DAMAGED")
        if content[at : at + 4] in (b"EXIF", b"XMP ", b"ICCP"):
            _refuse_program(content[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    if at != size:
        raise Unfit("FILE_DAMAGED")


def _refuse_vast(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise Unfit("FILE_BOMB")


def _refuse_program(data: bytes) -> None:
    if PROGRAM.search(data):
        raise Unfit("FILE_ACTIVE")
