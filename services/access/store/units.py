"""The tree of units as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.access.domain.units import UnitFacts
from services.access.tables import UNIT
from shared.db.documents import shown_part

if TYPE_CHECKING:
    import asyncpg

_UNDER = """
WITH RECURSIVE under AS (
    SELECT code FROM access.node WHERE code = $1
    UNION
    SELECT n.code FROM access.node n JOIN under u ON n.parent = u.code
)
SELECT n.body->'facts' AS facts, n.release FROM access.node n JOIN under USING (code)
WHERE $2::text IS NULL OR n.code > $2 ORDER BY n.code LIMIT $3
"""
_ALL = (
    "SELECT body->'facts' AS facts, release FROM access.node WHERE $1::text IS NULL OR code > $1 ORDER BY code LIMIT $2"
)


async def tree(conn: asyncpg.Connection) -> dict[str, UnitFacts]:
    """Every unit by its code."""
    rows = await conn.fetch("SELECT body->'facts' AS facts, release FROM access.node")
    return {unit.code: unit for unit in map(facts_of, rows)}


async def listed(conn: asyncpg.Connection, under: str | None, after: str | None, limit: int) -> list[UnitFacts]:
    """Units by code, all or one with everything under it."""
    rows = await (conn.fetch(_ALL, after, limit) if under is None else conn.fetch(_UNDER, under, after, limit))
    return [facts_of(row) for row in rows]


def facts_of(row: asyncpg.Record) -> UnitFacts:
    """The facts in a row of `facts` and `release`."""
    return shown_part(UNIT, UnitFacts, row, "facts")
