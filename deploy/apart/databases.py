"""A database a service on one PostgreSQL server: each service logs in as itself and reaches nobody else's rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

import asyncpg

from shared.db.engine import role_of

HOME = "home"
"""What the services of a demonstration share: the moved clock and what simulated sources say."""


async def make_databases(superuser: str, names: Iterable[str], prefix: str) -> Mapping[str, str]:
    """The address of each service's own database and of the home, made anew under names with this prefix.

    Logins are the services' roles; they are made, or given a fresh password, on the whole server.
    """
    conn = await asyncpg.connect(superuser)
    try:
        return {name: await _make(conn, superuser, name, f"{prefix}{name}") for name in (HOME, *names)}
    finally:
        await conn.close()


async def _make(conn: asyncpg.Connection, superuser: str, name: str, database: str) -> str:
    role, password = role_of(name), secrets.token_hex(16)
    verb = "ALTER" if await conn.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role) else "CREATE"
    await conn.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{password}'")
    await conn.execute(f'CREATE DATABASE "{database}" OWNER {role}')
    await conn.execute(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC')
    place = superuser.rpartition("@")[2].partition("/")[0]
    return f"postgresql://{role}:{password}@{place}/{database}"
