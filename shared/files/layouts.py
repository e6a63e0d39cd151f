"""OFD 版式文件 (GB/T 33190): a zip that holds `OFD.xml`, fonts and pictures, and neither archives nor programs."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final
from zlib import error as ZlibError  # noqa: N812 - the library's name says nothing of whose error it is

from shared.files.pictures import PROGRAM
from shared.files.unfit import Unfit

MOST_ENTRIES: Final = 2_000
MOST_OPENED: Final = 200 * 1024 * 1024
MOST_RATIO: Final = 100
_PIECE: Final = 64 * 1024
_ROOT: Final = "OFD.xml"
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"MSCF")
_ARCHIVE_NAMES: Final = frozenset({".zip", ".jar", ".7z", ".rar", ".gz", ".tgz", ".xz", ".bz2", ".cab", ".iso", ".ofd"})
_PROGRAMS: Final = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_PROGRAM_NAMES: Final = frozenset(
    {".exe", ".dll", ".js", ".vbs", ".bat", ".cmd", ".sh", ".ps1", ".scr", ".lnk", ".htm"}
)
_BEGIN, _END = b"PK\x03\x04", b"PK\x05\x06"


def ofd(content: bytes) -> None:
    """`Unfit` unless it is one layout from its first byte to its last, of a size that its own size lets expect."""
    if content[:4] != _BEGIN or content[-22:-18] != _END:
        raise Unfit("FILE_TWO_IN_ONE" if _END in content[-65_557:] else "FILE_DAMAGED")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _directory(entries, len(content))
            if _ROOT not in archive.namelist():
                raise Unfit("FILE_TYPE_NOT_ALLOWED")
            _open_all(archive, entries, min(MOST_OPENED, MOST_RATIO * len(content)))
    except (zipfile.BadZipFile, ZlibError, NotImplementedError, EOFError, RuntimeError, OSError, ValueError):
        raise Unfit("FILE_DAMAGED") from None


def _directory(entries: list[zipfile.ZipInfo], size: int) -> None:
    """What its directory says, which costs nothing to read."""
    if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > min(MOST_OPENED, MOST_RATIO * size):
        raise Unfit("FILE_BOMB")
    if any(not 0 <= e.header_offset < size for e in entries):
        raise Unfit("FILE_DAMAGED")
    # Entries that share their bytes open to many times what lies there.
    if sum(e.compress_size for e in entries) > size or len({e.header_offset for e in entries}) != len(entries):
        raise Unfit("FILE_BOMB")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise Unfit("FILE_DAMAGED")
        if entry.flag_bits & 1:
            raise Unfit("FILE_ENCRYPTED")
        if path.suffix.lower() in _ARCHIVE_NAMES:
            raise Unfit("FILE_NESTED")
        if path.suffix.lower() in _PROGRAM_NAMES:
            raise Unfit("FILE_ACTIVE")


def _open_all(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], most: int) -> None:
    """Opens every entry piece by piece: a directory may say less than there is."""
    for entry in entries:
        with archive.open(entry) as file:
            piece = file.read(_PIECE)
            _head(piece, entry)
            while piece:
                most -= len(piece)
                if most < 0:
                    raise Unfit("FILE_BOMB")
                piece = file.read(_PIECE)


def _head(piece: bytes, entry: zipfile.ZipInfo) -> None:
    if piece.startswith(_ARCHIVES):
        raise Unfit("FILE_NESTED")
    if piece.startswith(_PROGRAMS) or (entry.filename.lower().endswith(".xml") and PROGRAM.search(piece)):
        raise Unfit("FILE_ACTIVE")
