"""Which release brought a service's schema to its newest revision, and which older ones can still work on it.

It stands in the schema beside Alembic's own table, and is written with the revision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from shared.errors import Misconfigured
from shared.release import BESIDE, Release, this_release

if TYPE_CHECKING:
    import asyncpg

TABLE = "release"


@dataclass(frozen=True, slots=True)
class Releases:
    """The release of this process, and the oldest one that may work beside it."""

    this: Release
    beside: Release = BESIDE


def these_releases() -> Releases:
    """Those of this process."""
    return Releases(this_release())


def require_able(conn: Connection, schema: str, releases: Releases, revision: str | None, *, known: bool) -> None:
    """Stops the start of a release that cannot work on a schema that a later one has changed; one that still can goes
    on, though it may not know the revision."""
    exists = conn.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": f'"{schema}".{TABLE}'}).scalar()
    row = conn.execute(text(f'SELECT number, beside FROM "{schema}".{TABLE}')).first() if exists else None
    if row is None:
        if known:
            return
        raise _too_new(schema, f"revision {revision}", releases.this, None)
    later, oldest = Release.of(row.number), Release.of(row.beside)
    if releases.this < oldest or (not known and later <= releases.this):
        raise _too_new(schema, f"release {later}, revision {revision}", releases.this, oldest)


def _too_new(schema: str, found: str, this: Release, oldest: Release | None) -> Misconfigured:
    wanted = max(oldest, this) if oldest else this
    return Misconfigured(
        "ONEWINDOW_DATABASE_URL",
        f"{schema} 的数据库结构属于更新的版本({found}),本版本 {this} 不能使用;请启动"
        f"{f' {wanted} 或' if wanted > this else ''}更新的版本,或恢复升级前的备份",
        f"the schema of {schema} is that of a newer release ({found}), on which this one, {this}, cannot work: start"
        f"{f' {wanted} or' if wanted > this else ''} a newer one, or restore the backup made before the upgrade",
    )


def remember(conn: Connection, schema: str, releases: Releases) -> None:
    """Notes that this release has brought the schema to its newest revision; a later one that did stays."""
    conn.execute(
        text(
            f'CREATE TABLE IF NOT EXISTS "{schema}".{TABLE} (one boolean PRIMARY KEY DEFAULT true CHECK (one),'
            " number integer NOT NULL, beside integer NOT NULL)"
        )
    )
    conn.execute(
        text(
            f'INSERT INTO "{schema}".{TABLE} AS r (number, beside) VALUES (:number, :beside) ON CONFLICT (one) DO UPDATE'
            " SET number = EXCLUDED.number, beside = EXCLUDED.beside WHERE r.number <= EXCLUDED.number"
        ),
        {"number": releases.this.number, "beside": releases.beside.number},
    )


async def later_release(conn: asyncpg.Connection, schema: str) -> Release | None:
    """The release that brought the schema to its newest revision, read as the login that migrates; None if unknown."""
    if not await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", f'"{schema}".{TABLE}'):
        return None
    return Release.of(await conn.fetchval(f'SELECT number FROM "{schema}".{TABLE}'))
