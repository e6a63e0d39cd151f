"""Faults made inside the database server, where the platform meets them as the server's own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.faults import checks

if TYPE_CHECKING:
    import asyncpg

    from tests.faults.rounds import Scene

DISK_FULL = "RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'"


@asynccontextmanager
async def failing(conn: asyncpg.Connection, tables: list[str], statement: str, when: str = "") -> AsyncIterator[None]:
    """Inserts and updates of these tables, of the rows `when` says, meet this statement until the end."""
    each, condition = ("ROW", f"WHEN ({when})") if when else ("STATEMENT", "")
    await conn.execute(
        f"CREATE OR REPLACE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; END $$"
    )
    try:
        for table in tables:
            await conn.execute(
                f"CREATE TRIGGER fault BEFORE INSERT OR UPDATE ON {table} FOR EACH {each} {condition}"
                " EXECUTE FUNCTION public.fault()"
            )
        yield
    finally:
        for table in tables:
            await conn.execute(f"DROP TRIGGER IF EXISTS fault ON {table}")


async def every_write_fails(scene: Scene) -> None:
    """What the server says when its disk is full, at every unit's audit row, for some seconds."""
    conn = await scene.ground.superuser()
    try:
        tables = [f'"{schema}".audit' for schema in await checks.schemas(conn)]
        async with failing(conn, tables, DISK_FULL):
            await asyncio.sleep(scene.rng.uniform(1, 3))
        scene.is_back()
    finally:
        await conn.close()
