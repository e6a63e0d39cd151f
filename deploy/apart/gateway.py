"""The gateway as a process of this machine: nginx with the configuration that `onewindow gateway` prints."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.apart.processes import Program
from shared.catalog.registry import load
from shared.config import load_settings
from shared.runtime.gateway import nginx
from shared.runtime.host import load_specs


class NoGateway(RuntimeError):
    """nginx is missing; says what to do."""


def gateway(backends: Mapping[str, Sequence[str]], port: int, folder: Path) -> Program:
    """The program, its configuration written; it is ready when the services behind it are."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if program is None:
        raise NoGateway("缺少 nginx,请先安装(如 apt-get install nginx-light) / nginx is missing: install it")
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "nginx.conf"
    written.write_text(
        nginx(
            load_specs(load()),
            backends,
            listen=f"127.0.0.1:{port}",
            folder=str(folder),
            file_bytes=load_settings().file_bytes,
        )
    )
    command = (program, "-e", str(folder / "start.log"), "-c", str(written), "-g", "daemon off;")
    return Program("gateway", command, {}, f"http://127.0.0.1:{port}/readyz", folder / "gateway.out")
