"""A running server of one cluster: found by its own pid file, believed only after a look at the process."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

PID_FILE = "postmaster.pid"


@dataclass(frozen=True)
class Postmaster:
    """What the server's pid file says: process, port, and `status` (starting, ready, stopping)."""

    pid: int
    port: int
    status: str

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """The file's content; None where there is no file or it is not yet whole."""
        try:
            lines = (cluster / PID_FILE).read_text("utf-8", "replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(lines) < 4 or not lines[0].strip().isdigit() or not lines[3].strip().isdigit():
            return None
        return cls(int(lines[0]), int(lines[3]), lines[7].strip() if len(lines) > 7 else "starting")


def running(cluster: Path) -> Postmaster | None:
    """The live server of this cluster; None where the file is stale, though another process may bear its pid."""
    found = Postmaster.read(cluster)
    return found if found and _serves(found.pid, cluster) else None


def remove_reused(cluster: Path) -> None:
    """Remove a stale pid file whose pid is another process now: the server would take that one for itself."""
    found = Postmaster.read(cluster)
    if found is None or not psutil.pid_exists(found.pid) or _serves(found.pid, cluster):
        return  # where the process is gone the server clears up itself, after its own, fuller check
    (cluster / PID_FILE).unlink(missing_ok=True)


def remnants(cluster: Path) -> list[int]:
    """Processes of this cluster still alive: after a killed postmaster its sessions need a moment to notice."""
    return [process.pid for process in _all() if _serves(process.pid, cluster)]


def _all() -> Iterator[psutil.Process]:
    yield from psutil.process_iter()


def _serves(pid: int, cluster: Path) -> bool:
    """A server process stands in its cluster's folder, and is of the folder's owner (never signal another's)."""
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or process.uids().real != cluster.stat().st_uid:
            return False
        return "postgres" in process.name() and Path(process.cwd()).samefile(cluster)
    return False
