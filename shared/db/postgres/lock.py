"""One start a data folder: an advisory lock that dies with its process, and says whose it is."""

import contextlib
import fcntl
import os
import sys
from pathlib import Path
from typing import IO

from shared.errors import Misconfigured


class FolderLock:
    """Held from `take` to `release`, or to the end of the process however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Misconfigured, naming the holder, where another start has the folder."""
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "?"
            file.close()
            raise Misconfigured(
                "ONEWINDOW_DATA",
                f"数据目录 {self._path.parent} 正由另一个 OneWindow 使用:{holder};请先停止它,或用 ONEWINDOW_DATA 另指目录。",
                f"The data folder {self._path.parent} is in use by another OneWindow: {holder};"
                " stop it first, or point ONEWINDOW_DATA elsewhere.",
            ) from None
        self._file = file
        with contextlib.suppress(OSError):  # on a full disk it holds without saying whose it is
            file.seek(0)
            file.truncate()
            file.write(f"{Path(sys.argv[0] or sys.executable).name} (pid {os.getpid()})\n")
            file.flush()

    def _open(self) -> IO[str]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
        except OSError as error:
            raise Misconfigured(
                "ONEWINDOW_DATA",
                f"数据目录 {self._path.parent} 不可写({error.strerror});请以原来的系统用户启动,或用 ONEWINDOW_DATA 另指目录。",
                f"The data folder {self._path.parent} cannot be written ({error.strerror});"
                " start as the system user that made it, or point ONEWINDOW_DATA elsewhere.",
            ) from error

    def release(self) -> None:
        """Let the next start in; the file stays, since removing it would let two in."""
        if self._file:
            with contextlib.suppress(OSError):  # what could not be written to a full disk is tried once more
                self._file.close()
            self._file = None
