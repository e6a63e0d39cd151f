"""Dumps of databases by PostgreSQL's own programs: each is one snapshot, taken while the platform runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from shared.db.engine import mapped_errors, role_of
from shared.db.postgres.place import wheel_binaries
from shared.errors import Conflict, Misconfigured

_OURS: Final = "nspname NOT LIKE 'pg_%' AND nspname NOT IN ('information_schema', 'public')"


def dump(dsn: str, target: Path) -> None:
    """The whole database as it stood at one moment, in PostgreSQL's own format."""
    _run("pg_dump", dsn, ["--format=custom", "--compress=6", f"--file={target}"])


def restore(dsn: str, source: Path) -> None:
    """All of a dump, or nothing of it."""
    _run("pg_restore", dsn, ["--no-owner", "--single-transaction", "--exit-on-error", str(source)])


async def server_version(dsn: str) -> str:
    """The server's version, as `17.2`."""
    return str(await _value(dsn, "SHOW server_version"))


async def revisions(dsn: str, services: Iterable[str]) -> dict[str, str]:
    """The migration's revision of each of these services whose state lies there."""
    found = {}
    for service in services:
        if await _value(dsn, f"SELECT to_regclass('{service}.alembic_version')") is not None:
            found[service] = str(await _value(dsn, f'SELECT version_num FROM "{service}".alembic_version'))
    return found


async def require_empty(dsn: str) -> None:
    """`Conflict` (`NOT_EMPTY`) when the database holds anything of ours or of anybody's."""
    held = await _value(dsn, f"SELECT string_agg(nspname, ', ') FROM pg_namespace WHERE {_OURS}")
    if held:
        raise not_empty(f"{_place(dsn)} ({held})")


async def make_roles(dsn: str, services: Iterable[str]) -> None:
    """The services' roles, which the dump gives rights to; as the migrations make them."""
    with mapped_errors():
        conn = await asyncpg.connect(dsn)
        try:
            me = await conn.fetchval("SELECT current_user")
            for role in map(role_of, services):
                if role == me:
                    continue
                if not await conn.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await conn.execute(f"CREATE ROLE {role} NOLOGIN")
                await conn.execute(f"GRANT {role} TO CURRENT_USER WITH SET TRUE")
        finally:
            await conn.close()


def not_empty(where: str) -> Conflict:
    """Something is there already, which a backup or a restore would mix with or destroy."""
    return Conflict(
        "NOT_EMPTY", f"目标不是空的:{where};请换一个空的", f"the target is not empty: {where}; name an empty one"
    )


async def _value(dsn: str, sql: str) -> object:
    with mapped_errors():
        conn = await asyncpg.connect(dsn)
        try:
            return await conn.fetchval(sql)
        finally:
            await conn.close()


def _run(program: str, dsn: str, options: Sequence[str]) -> None:
    """The password goes by the environment: everybody may read a command line."""
    parts = urlsplit(dsn)
    env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    if parts.password:
        env["PGPASSWORD"] = unquote(parts.password)
    command = [str(wheel_binaries().command(program)), f"--dbname={_place(dsn)}", "--no-password", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = done.stderr.strip()[-800:]
        raise Misconfigured("ONEWINDOW_DATABASE_URL", f"{program} 未能完成:{said}", f"{program} did not finish: {said}")


def _place(dsn: str) -> str:
    """The address without its password."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{host}", parts.path, parts.query, ""))
