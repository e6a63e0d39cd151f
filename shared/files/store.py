"""Where sealed files lie: a port, and the folder that stands behind it today. An object store can stand there too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from shared.clock import SystemClock
from shared.disk import sync_folder
from shared.errors import Misconfigured, Transient

SETTING: Final = "ONEWINDOW_FILES"
_NAME: Final = re.compile(r"[0-9a-f-]{32,64}")
_FRESH: Final = ".new"


class FileStore(Protocol):
    """Keeps sealed files under names of ours. Calls may block: make them in a thread. What the store cannot do now is
    `Transient`."""

    def put(self, name: str, parts: Iterable[bytes]) -> None:
        """Keeps the parts under this name: on disk, whole, when it returns, or not at all."""

    def get(self, name: str) -> bytes | None:
        """What is kept under this name; None where nothing is."""

    def delete(self, name: str) -> None:
        """Keeps nothing under this name any more, whether or not it did."""

    def older(self, seconds: float) -> Iterator[str]:
        """The names put longer ago than so many seconds (real time); what is left of a put that never ended goes."""


class Folder:
    """A folder of this machine, open to nobody else; files lie in subfolders by the first letters of their names."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, parts: Iterable[bytes]) -> None:
        path = self._path(name)
        fresh = path.with_name(path.name + _FRESH)
        try:
            _folder(self._root)
            _folder(path.parent)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            sync_folder(path.parent)
        except OSError as cause:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise _away(cause) from cause

    def get(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as cause:
            raise _away(cause) from cause

    def delete(self, name: str) -> None:
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as cause:
            raise _away(cause) from cause

    def older(self, seconds: float) -> Iterator[str]:
        before = SystemClock().now().timestamp() - seconds
        for path in sorted(self._root.glob("??/*")):
            name = path.name.removesuffix(_FRESH)
            if not _NAME.fullmatch(name) or not _older(path, before):
                continue
            if path.name.endswith(_FRESH):
                path.unlink(missing_ok=True)
            else:
                yield name

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise Misconfigured(SETTING, "文件名不合规", "no file of ours has such a name")
        return self._root / name[:2] / name


def _folder(path: Path) -> None:
    if path.is_dir():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(path.parent)  # else a power cut takes the folder with every file that was synced into it


def _older(path: Path, before: float) -> bool:
    """Whether it was put before that moment; what is being put or let go just now was not."""
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
    except OSError as cause:
        raise _away(cause) from cause


def _away(cause: OSError) -> Transient:
    return Transient(
        "文件暂时存不下或读不出,请稍后再试",
        f"files cannot be kept or read now, try again later: {type(cause).__name__}",
        retry_after=5,
    )
