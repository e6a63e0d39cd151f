"""Where the embedded server listens and by which passwords one gets in; kept in one 0600 file of the data folder."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from shared.errors import Misconfigured

HOST = "127.0.0.1"
SUPERUSER = "postgres"
OWNER = "onewindow"
DATABASE = "onewindow"
# Below Linux's ephemeral range (32768 and up), so that no outgoing connection sits on the port when we come back.
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000


@dataclass(frozen=True)
class PostgresAddress:
    """Port and passwords of one cluster; its text form never shows a password."""

    port: int
    owner_password: str = field(repr=False)
    superuser_password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        """How the platform logs in: as owner of its database, never as the superuser."""
        return f"postgresql://{OWNER}:{self.owner_password}@{HOST}:{self.port}/{DATABASE}"

    @property
    def superuser_dsn(self) -> str:
        """How an operator logs in for backup and repair."""
        return f"postgresql://{SUPERUSER}:{self.superuser_password}@{HOST}:{self.port}/{DATABASE}"

    @classmethod
    def invent(cls) -> Self:
        """A free port and two random passwords (hexadecimal: they need no quoting in SQL or an address)."""
        return cls(free_port(), secrets.token_hex(24), secrets.token_hex(24))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The address kept in `path`; None where there is none; Misconfigured where it cannot be read."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise Misconfigured(
                "ONEWINDOW_DATA",
                f"数据库口令文件 {path} 无法读取({type(error).__name__});请恢复该文件,或以原来的系统用户启动。",
                f"The file of database passwords {path} cannot be read ({type(error).__name__});"
                " restore it, or start as the system user that made it.",
            ) from error

    def save(self, path: Path) -> None:
        """Replace `path` as a whole, readable by its owner alone."""
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def on_free_port(self) -> Self:
        """The same address, on another port where the present one is taken."""
        return self if _is_free(self.port) else replace(self, port=free_port())


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    for _ in range(200):
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        if _is_free(port):
            return port
    raise Misconfigured(
        "ONEWINDOW_DATA",
        f"{HOST} 上 {_LOWEST_PORT}–{_HIGHEST_PORT} 没有空闲端口;请释放端口,或用 ONEWINDOW_DATABASE_URL 指定数据库。",
        f"No free port of {HOST} between {_LOWEST_PORT} and {_HIGHEST_PORT};"
        " free one, or name a server by ONEWINDOW_DATABASE_URL.",
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: TIME_WAIT is no obstacle
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
