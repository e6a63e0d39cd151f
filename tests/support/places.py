"""Where the servers of a test session keep what nobody needs after it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there has a random name and is ours
ROOM = 6 << 30
"""Bytes that must be free there: several hundred databases, and the logs of two brokers."""


@contextmanager
def passing_folder(prefix: str) -> Iterator[Path]:
    """A folder of our own that other accounts can pass through, gone with its content at the end. It lies in memory
    where the machine has room: hundreds of databases are made in a session, and a disk makes and removes their files
    ten times slower. What a crash leaves of a disk is not tried with it."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))
    folder.chmod(0o711)  # the account that runs a database for root owns only what is in it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
