"""Small whole files of each kind that is taken in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from zlib import compress, crc32


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return len(data).to_bytes(4, "big") + name + data + crc32(name + data).to_bytes(4, "big")


def png_file(words: bytes = b"", width: int = 1, height: int = 1) -> bytes:
    """A PNG of one pixel, whatever size it says it has, with words in it."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    text = chunk(b"tEXt", b"Comment\0" + words) if words else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", compress(b"\0\1\2\3")) + chunk(b"IEND", b"")
    )


def pdf_file(body: bytes = b"<< /Type /Catalog >>") -> bytes:
    """A PDF with one object."""
    return b"%PDF-1.7\n1 0 obj\n" + body + b"\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"


def ofd_file(more: Mapping[str, bytes] | None = None) -> bytes:
    """A layout (OFD) with further entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("OFD.xml", '<?xml version="1.0"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"/>')
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return made.getvalue()


PNG_FILE = png_file()
PDF_FILE = pdf_file()
JPEG_FILE = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    b"\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0\xff\xda\0\x08\1\1\0\0?\0\x12\xff\0\x34\xff\xd0\x56\xff\xd9"
)
WEBP_FILE = b"RIFF" + (12 + 8).to_bytes(4, "little") + b"WEBPVP8L" + (8).to_bytes(4, "little") + b"\x2f\0\0\0\0\0\0\0"
