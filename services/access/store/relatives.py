"""Near relatives of staff, by reference: declared once, never removed by whoever declared them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg


async def kin_of(conn: asyncpg.Connection, account: str) -> frozenset[str]:
    """The references of an account's near relatives."""
    rows = await conn.fetch("SELECT person_ref FROM access.relative WHERE account = $1", account)
    return frozenset(row["person_ref"] for row in rows)


async def declare(
    conn: asyncpg.Connection, account: str, person_ref: str, relation: str, at: datetime, by: str
) -> dict[str, Any]:
    """Registers one, and answers what stands; again changes nothing."""
    await conn.execute(
        "INSERT INTO access.relative (account, person_ref, relation, declared_at, declared_by)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        account,
        person_ref,
        relation,
        at,
        by,
    )
    sql = (
        "SELECT account, relation, declared_at, declared_by FROM access.relative WHERE account = $1 AND person_ref = $2"
    )
    return dict(await conn.fetchrow(sql, account, person_ref))


async def listed(conn: asyncpg.Connection, account: str | None, after: tuple[Any, ...] | None, most: int) -> list[Any]:
    """The register, by account and person; of one account, or all."""
    rows: list[Any] = await conn.fetch(
        "SELECT account, person_ref, relation, declared_at, declared_by FROM access.relative"
        " WHERE ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR (account, person_ref) > ($2, $3))"
        " ORDER BY account, person_ref LIMIT $4",
        account,
        *(after or (None, None)),
        most,
    )
    return rows
