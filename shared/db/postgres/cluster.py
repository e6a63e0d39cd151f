"""A new cluster, made aside and renamed when whole, so that a start killed half-way leaves nothing half-made."""

import os
import secrets
import shutil
from pathlib import Path

from shared.db.postgres.account import Account
from shared.db.postgres.address import DATABASE, OWNER, SUPERUSER, PostgresAddress
from shared.db.postgres.place import Binaries, wheel_version
from shared.disk import sync_folder
from shared.errors import Misconfigured


def check_major(cluster: Path) -> None:
    """Misconfigured, with the way out, where another major version made the cluster."""
    version = cluster / "PG_VERSION"
    if not version.exists():
        raise Misconfigured(
            "ONEWINDOW_DATA",
            f"{cluster} 不是数据库目录却有文件;请移走它,或用 ONEWINDOW_DATA 另指目录。",
            f"{cluster} holds files but no database; move it away, or point ONEWINDOW_DATA elsewhere.",
        )
    found = version.read_text("ascii").strip()
    ours = wheel_version().split(".", maxsplit=1)[0]
    if found != ours:
        raise Misconfigured(
            "ONEWINDOW_DATA",
            f"{cluster} 是 PostgreSQL {found} 的数据,本版本使用 {ours}:请用原版本启动并以 pg_dump 导出,"
            "再用 ONEWINDOW_DATA 指向新目录启动后导入。",
            f"{cluster} was made by PostgreSQL {found}, this release has {ours}: start the release that made it,"
            " dump with pg_dump, point ONEWINDOW_DATA at a new folder, start, and restore.",
        )


def create(cluster: Path, binaries: Binaries, account: Account, address: PostgresAddress) -> None:
    """Checksums on, UTF-8, C.UTF-8, password logins only; the database and its owner, who is no superuser."""
    draft = _draft(cluster, account)
    initdb = binaries.command("initdb")
    _must(account.run([*_initdb(initdb, draft), _password_file(draft, account, address)], cwd=draft), "initdb")
    single: list[str | Path] = [binaries.command("postgres"), "--single", "-D", draft]
    quiet = ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"]  # a statement here holds a password
    _must(account.run([*single, *quiet, "postgres"], stdin=_first_statements(address), cwd=draft), "postgres --single")
    _must(account.run([initdb, "--sync-only", "-D", draft], cwd=draft), "initdb --sync-only")
    _password_path(draft).unlink()
    draft.rename(cluster)
    sync_folder(cluster.parent)


def _draft(cluster: Path, account: Account) -> Path:
    """A fresh name each time: what a killed start left may still be written to for a moment."""
    for old in cluster.parent.glob(f"{cluster.name}.new-*"):
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
    draft = cluster.with_name(f"{cluster.name}.new-{secrets.token_hex(4)}")
    draft.mkdir(mode=0o700)
    account.give(draft)
    return draft


def _initdb(program: Path, draft: Path) -> list[str | Path]:
    options = "--auth=scram-sha-256 --data-checksums --encoding=UTF8 --no-sync --no-instructions"
    locale = "--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C"
    return [program, "-D", draft, f"--username={SUPERUSER}", *options.split(), *locale.split()]


def _password_path(draft: Path) -> Path:
    return draft.with_name(draft.name + ".password")


def _password_file(draft: Path, account: Account, address: PostgresAddress) -> str:
    path = _password_path(draft)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(address.superuser_password)
    account.give(path)
    return f"--pwfile={path}"


def _first_statements(address: PostgresAddress) -> str:
    """One a line. Rows named by a failing statement may be personal: sessions report errors to the client alone."""
    return (
        f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{address.owner_password}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n"
        f"ALTER DATABASE {DATABASE} SET log_min_messages = 'log';\n"
    )


def _must(done: tuple[int, str], what: str) -> None:
    code, said = done
    if code:
        raise Misconfigured(
            "ONEWINDOW_DATA",
            f"建立数据库失败({what},退出码 {code}):{said.strip()[-800:]}。",
            f"Making the database failed ({what}, exit code {code}): see above; check disk space and rights.",
        )
