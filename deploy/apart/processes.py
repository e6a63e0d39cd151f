"""One program of the platform as a process that can be waited for, stopped, killed, held still and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from shared.config import PREFIX

ROOT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 180.0, 30.0


class DidNotStart(RuntimeError):
    """A process ended, or did not answer, before it was ready; with the end of what it wrote."""


@dataclass
class Program:
    """A command, its settings, where it says that it is ready, and the file that it writes to.

    `ended` is the exit code with which it was last stopped.
    """

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    ready_at: str
    log: Path
    ended: int | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def of_services(cls, names: Sequence[str], port: int, settings: Mapping[str, str], log: Path) -> Program:
        """A process that hosts these services."""
        command = (sys.executable, "-m", "shared.runtime.cli.main", "serve", "--only", ",".join(names))
        return cls(
            ",".join(names),
            command,
            {**settings, f"{PREFIX}PORT": str(port)},
            f"http://127.0.0.1:{port}/readyz",
            log,
        )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number; only of one that was started."""
        assert self._process is not None  # noqa: S101 — said above
        return self._process.pid

    def start(self) -> None:
        """Starts it; does not wait for it."""
        # The settings around us belong to another platform.
        mine = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**mine, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Returns when it is ready; raises `DidNotStart`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.running:
            if answers(self.ready_at):
                return
            time.sleep(0.05)
        words = self.log.read_text("utf-8", "replace")[-3000:]
        raise DidNotStart(f"{self.name} 没有就绪 / is not ready:\n{words}")

    def signal(self, what: signal.Signals) -> None:
        """Sends it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(what)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Asks it to end and waits; one that does not end in time is killed."""
        if self._process is None:
            return
        self.signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self.ended = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.ended = self._process.returncode


def answers(url: str) -> bool:
    """Whether somebody answers there that all is well."""
    where = urlsplit(url)
    line = HTTPConnection(where.hostname or "", where.port, timeout=2)
    try:
        line.request("GET", where.path)
        return line.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
