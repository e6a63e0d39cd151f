"""Sealing anew what rests in a service's rows, some rows at a time, under their locks, beside the platform at work.

A document gets a new version with its own audit row, as by any other change, so that no copy held in memory outlives
it. What is done is done: broken off, it goes on with what is left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSON, JSONB

from shared.clock import SystemClock
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.db.migrate import APPEND_ONLY
from shared.db.tables import DOCUMENT
from shared.messages import derived_id
from shared.resealing.parts import Resealing

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy import Table

    from shared.crypto import Keyring
    from shared.db.engine import Database
    from shared.spec import ServiceSpec

BATCH: Final = 50
ACTOR: Final = "keys"


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch did: `left` parts would not open."""

    table: str
    rows: int
    parts: int
    left: int


def holders(spec: ServiceSpec) -> list[tuple[Table, list[str]]]:
    """The tables of a service that may hold sealed parts, with the columns where; rows nobody may change hold none."""
    found = []
    for table in spec.metadata.sorted_tables:
        columns = [c.name for c in table.columns if isinstance(c.type, JSON | JSONB | Text)]
        if columns and table.name not in APPEND_ONLY:
            found.append((table, columns))
    return found


def byte_holders(spec: ServiceSpec) -> list[tuple[Table, list[str]]]:
    """Tables that keep messages as they came: nobody can seal those anew, they must go by themselves."""
    tables = (spec.delivery.outbox, spec.delivery.parked)
    return [(t, [c.name for c in t.columns if isinstance(c.type, LargeBinary)]) for t in tables]


def under(columns: list[str], first: int) -> str:
    """SQL: one of the columns names one of the keys in the array parameter of this number (as LIKE patterns)."""
    return "(" + " OR ".join(f'"{name}"::text LIKE ANY(${first}::text[])' for name in columns) + ")"


async def reseal(db: Database, spec: ServiceSpec, keyring: Keyring, old: list[str]) -> AsyncIterator[Step]:
    """Seals anew, in all rows of a service, what lies under the keys `old`; one step a batch."""
    for table, columns in holders(spec):
        after: tuple[Any, ...] | None = None
        while True:
            async with db.transaction(role_of(spec.name)) as conn:
                rows = await _lock(conn, table, columns, old, after)
                if not rows:
                    break
                step = await _anew(conn, spec, table, columns, keyring, old, rows)
            after = tuple(rows[-1][c.name] for c in table.primary_key.columns)
            yield step


async def _lock(
    conn: asyncpg.Connection, table: Table, columns: list[str], old: list[str], after: tuple[Any, ...] | None
) -> list[Mapping[str, Any]]:
    """The next rows with a part under an old key, locked in the order in which units of work lock them."""
    key = [c.name for c in table.primary_key.columns]
    names = ", ".join(f'"{name}"' for name in key)
    places = ", ".join(f"${n + 2}" for n in range(len(key)))
    beyond = f"AND ({names}) > ({places})" if after else ""
    sql = (
        f"SELECT * FROM {qualified(table)} WHERE {under(columns, 1)} {beyond} ORDER BY {names} LIMIT {BATCH} FOR UPDATE"
    )
    return list(await conn.fetch(sql, [f"%{kid}%" for kid in old], *(after or ())))


async def _anew(
    conn: asyncpg.Connection,
    spec: ServiceSpec,
    table: Table,
    columns: list[str],
    keyring: Keyring,
    old: list[str],
    rows: list[Mapping[str, Any]],
) -> Step:
    done = left = 0
    for row in rows:
        work = Resealing(keyring.sealer(), old, spec.name, table.name, known=_derived(spec, table, row))
        changed = work.row({c.name: row[c.name] for c in table.columns if row[c.name] is not None})
        done, left = done + work.done, left + work.left
        if changed:
            await _write(conn, spec, table, row, {n: v for n, v in changed.items() if n in columns})
    if not any(c.info.get(DOCUMENT) for c in table.columns) and done:
        await _note(conn, spec, "row", "", 0, {"table": table.name, "rows": len(rows)})
    return Step(table.name, len(rows), done, left)


def _derived(spec: ServiceSpec, table: Table, row: Mapping[str, Any]) -> tuple[str, ...]:
    """A stored answer is bound to an id made of its key's three parts."""
    if table is not spec.delivery.idempotency:
        return ()
    return (str(derived_id("answer", row["principal"], row["route"], row["key"])),)


async def _write(
    conn: asyncpg.Connection, spec: ServiceSpec, table: Table, row: Mapping[str, Any], changed: dict[str, Any]
) -> None:
    kind = next((k.name for k in spec.kinds if k.table is table), None)
    if kind is not None and "body" in changed:
        version = row["version"] + 1
        changed["body"] = orjson.dumps({**orjson.loads(changed["body"]), "version": version}).decode()
        changed["version"] = version
        await _note(conn, spec, kind, str(row["id"]), version, None)
    sets = ", ".join(f'"{name}" = ${n}' for n, name in enumerate(changed, 1))
    key = [c.name for c in table.primary_key.columns]
    where = " AND ".join(f'"{name}" = ${n}' for n, name in enumerate(key, len(changed) + 1))
    sql = f"UPDATE {qualified(table)} SET {sets} WHERE {where}"
    await conn.execute(sql, *changed.values(), *(row[name] for name in key))


async def _note(
    conn: asyncpg.Connection, spec: ServiceSpec, kind: str, identity: str, version: int, detail: dict[str, Any] | None
) -> None:
    await conn.execute(
        f"INSERT INTO {qualified(spec.delivery.audit)} (at, actor, action, kind, aggregate_id, version, detail)"
        " VALUES ($1, $2, 'resealed', $3, $4, $5, $6)",
        SystemClock().now(),
        ACTOR,
        kind,
        identity,
        version,
        orjson.dumps(detail).decode() if detail else None,
    )
