"""A platform for one story: started in a temporary folder, stopped and removed after it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.client import Client
from demo.watch import until
from shared.config import PREFIX
from shared.db.postgres import EmbeddedPostgres
from shared.errors import Transient

START_SECONDS, STOP_SECONDS = 120.0, 30.0


@contextmanager
def passing_platform() -> Iterator[str]:
    """Its address, once it is ready; `Transient` with its last words when it does not come up."""
    folder = Path(tempfile.mkdtemp(prefix="onewindow-demo-"))
    log = folder / "platform.log"
    try:
        with log.open("wb") as out:
            port = _free_port()
            process = _start(folder / "data", port, out.fileno())
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(url, process, log)
                yield url
            finally:
                _stop(process)
    finally:
        _remove(folder)


def _start(data: Path, port: int, out: int) -> subprocess.Popen[bytes]:
    # The settings around us belong to another platform: only its catalogue is ours too.
    mine = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX) or k == f"{PREFIX}CATALOG"}
    command = [sys.executable, "-c", "from shared.runtime.cli.main import main; main()"]
    # In a session of its own, so that Ctrl-C reaches the story first and the platform is stopped in order.
    return subprocess.Popen(  # noqa: S603 — our own command
        [*command, "up", "--data", str(data), "--port", str(port)],
        env=mine,
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        start_new_session=True,
    )


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    with Client(url) as client:

        def ready() -> bool | None:
            if process.poll() is not None:
                words = log.read_text("utf-8", "replace").strip()[-2000:]
                raise Transient(f"临时平台没有起来:\n{words}", f"the platform for this story did not start:\n{words}")
            return client.alive() or None

        until(ready, "临时平台就绪", "the platform for this story", START_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remove(folder: Path) -> None:
    """The cluster first, wherever it lies, then everything else."""
    data = folder / "data"
    if data.exists():
        EmbeddedPostgres(data).remove()
    shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
