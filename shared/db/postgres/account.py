"""The system user the server runs as: oneself, or as root an existing unprivileged one."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shared.errors import Misconfigured

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """Whose rights the server has; `switch` is true where we are root and it must not be."""

    name: str
    uid: int
    gid: int
    switch: bool

    @classmethod
    def choose(cls, cluster: Path | None) -> Self:
        """Owner of an existing cluster when we are root, else `nobody`; oneself when we are not root."""
        me = os.geteuid()
        owner = cluster.stat().st_uid if cluster else None
        if me != 0:
            if owner not in (None, me):
                raise Misconfigured(
                    "ONEWINDOW_DATA",
                    f"数据库目录 {cluster} 属于系统用户 {_name(owner)};请以该用户或 root 启动。",
                    f"The cluster {cluster} belongs to the system user {_name(owner)}; start as that user or as root.",
                )
            return cls(_name(me), me, os.getegid(), switch=False)
        entry = _entry(owner) if owner else _entry(UNPRIVILEGED)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)

    def rights(self) -> dict[str, Any]:
        """What `subprocess` needs to run a child as this account, without our environment's PG* and locale."""
        rights: dict[str, Any] = {"env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}}
        if self.switch:
            rights |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return rights

    def run(self, command: Sequence[str | Path], stdin: str = "", cwd: Path = Path("/")) -> tuple[int, str]:
        """Run to the end; exit code (126 where it could not even be started) and what it wrote on stderr."""
        try:
            done = subprocess.run(  # noqa: S603 - our own programs, words never from outside
                [str(word) for word in command],
                input=stdin, capture_output=True, text=True, errors="replace", cwd=cwd, check=False, **self.rights(),
            )  # fmt: skip
        except OSError as error:
            return 126, str(error)
        return done.returncode, done.stderr

    def check_usable(self) -> None:
        """Misconfigured where this process may not become the account (a container without the right to)."""
        code, why = self.run(["/bin/sh", "-c", "exit 0"])
        if code:
            raise Misconfigured(
                "ONEWINDOW_DATA",
                f"无法以系统用户 {self.name} 运行数据库({why.strip()});请以普通用户启动,或用 ONEWINDOW_DATABASE_URL 指定数据库。",
                f"The database cannot be run as the system user {self.name} ({why.strip()});"
                " start as an ordinary user, or name a server by ONEWINDOW_DATABASE_URL.",
            )

    def reaches(self, folder: Path) -> bool:
        """Whether the account can enter `folder` (every parent included), asked as that account."""
        return not self.switch or self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder])[0] == 0

    def give(self, path: Path) -> None:
        """Hand a file or folder over to the account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def _entry(user: str | int) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user) if isinstance(user, str) else pwd.getpwuid(user)
    except KeyError as error:
        raise Misconfigured(
            "ONEWINDOW_DATA",
            f"系统中没有用户 {user},而 PostgreSQL 不能以 root 运行;请以普通用户启动。",
            f"There is no system user {user}, and PostgreSQL does not run as root; start as an ordinary user.",
        ) from error


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid).pw_name if uid is not None else "?"
    except KeyError:
        return str(uid)
