"""Loading and saving batches of documents (aggregates) and rows: one statement a table, by `unnest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSON

from shared.changes import Kind, S, State
from shared.errors import NewerRelease
from shared.release import Release

if TYPE_CHECKING:
    import asyncpg

M = TypeVar("M", bound=BaseModel)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def qualified(table: Table) -> str:
    """`"schema"."table"`."""
    return f'"{table.schema}"."{table.name}"' if table.schema else f'"{table.name}"'


@lru_cache(maxsize=256)
def column_types(table: Table) -> dict[str, str]:
    """Each column's name and its PostgreSQL type as it stands in a cast."""
    return {c.name: c.type.compile(dialect=_DIALECT) for c in table.columns}


def insert_sql(
    table: Table, names: Sequence[str], *, upsert: bool, first: int = 1, more: Mapping[str, str] | None = None
) -> str:
    """`INSERT … SELECT FROM unnest(…)` in the order of the arrays; `upsert` replaces by primary key, else a row that
    is there already is an error. `more` names columns that SQL expressions fill; parameters count from `first`."""
    types, more = column_types(table), more or {}
    arrays = ", ".join(f"${n}::{types[name]}[]" for n, name in enumerate(names, first))
    columns = ", ".join(f'"{name}"' for name in names)
    into = ", ".join([columns, *(f'"{name}"' for name in more)])
    what = ", ".join([columns, *more.values()])
    sql = (
        f"INSERT INTO {qualified(table)} ({into}) SELECT {what} FROM unnest({arrays})"
        f" WITH ORDINALITY AS t({columns}, n__) ORDER BY n__"
    )
    return sql + _on_conflict(table, tuple(names)) if upsert else sql


@lru_cache(maxsize=512)
def _insert(table: Table, names: tuple[str, ...], *, upsert: bool) -> str:
    return insert_sql(table, names, upsert=upsert)


@lru_cache(maxsize=64)
def _update(table: Table, names: tuple[str, ...]) -> str:
    types = column_types(table)
    arrays = ", ".join(f"${n}::{types[name]}[]" for n, name in enumerate(names, 1))
    columns = ", ".join(f'"{name}"' for name in names)
    sets = ", ".join(f'"{name}" = n."{name}"' for name in names if name != "id")
    return f"UPDATE {qualified(table)} t SET {sets} FROM unnest({arrays}) AS n({columns}) WHERE t.id = n.id"


def _on_conflict(table: Table, names: tuple[str, ...]) -> str:
    key = [c.name for c in table.primary_key.columns]
    rest = [name for name in names if name not in key]
    sets = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in rest)
    quoted = ", ".join(f'"{name}"' for name in key)
    return f" ON CONFLICT ({quoted}) DO UPDATE SET {sets}" if sets else f" ON CONFLICT ({quoted}) DO NOTHING"


@lru_cache(maxsize=256)
def json_columns(table: Table) -> frozenset[str]:
    """The columns that hold JSON."""
    return frozenset(c.name for c in table.columns if isinstance(c.type, JSON))


def to_arrays(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """The rows as one array a column; JSON columns encoded."""
    as_json = json_columns(table)
    return [[_json(row[name]) for row in rows] if name in as_json else [row[name] for row in rows] for name in names]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


async def write_rows(
    conn: asyncpg.Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, upsert: bool = False
) -> None:
    """Writes rows of one table; rows with the same columns go in one statement, later rows of one key win."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in _last_of_key(table, rows) if upsert else rows:
        groups.setdefault(tuple(row), []).append(row)
    for names, group in groups.items():
        await conn.execute(_insert(table, names, upsert=upsert), *to_arrays(table, names, group))


def _last_of_key(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    # ON CONFLICT DO UPDATE refuses to touch one row twice in a statement.
    key = [c.name for c in table.primary_key.columns]
    if not all(name in rows[0] for name in key):
        return list(rows)
    return list({tuple(row[name] for name in key): row for row in rows}.values())


async def load(conn: asyncpg.Connection, kind: Kind[Any], ids: Sequence[UUID]) -> dict[UUID, State]:
    """The states of these aggregates as they are now, without a lock, to be shown (see `shown`)."""
    rows = await conn.fetch(f"SELECT id, body, release FROM {qualified(kind.table)} WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: shown(kind, row) for row in rows}


def shown(kind: Kind[S], row: Mapping[str, Any]) -> S:
    """The state in a row (`body`, `release`), to be looked at and never to be written.

    Of a row of a newer release it is what this one knows; `NewerRelease` when it knows too little to read it.
    """
    return shown_part(kind, kind.model, row, "body")


def shown_part(kind: Kind[Any], model: type[M], row: Mapping[str, Any], column: str) -> M:
    """The same of a part of the state, selected as `column`."""
    if row["release"] <= kind.since.number:
        return model.model_validate_json(row[column])
    try:
        return model.model_validate_json(row[column], extra="ignore")
    except ValidationError as cause:
        raise NewerRelease(kind.name, Release.of(row["release"])) from cause


async def lock(
    conn: asyncpg.Connection, kind: Kind[Any], ids: Sequence[UUID], held: Mapping[UUID, State]
) -> dict[UUID, State]:
    """The states of these aggregates, locked in id order (so that two batches cannot block each other in a ring).

    A copy in `held` is used where the locked row has its version; any other body is read. `NewerRelease` where one was
    written by a release that stores more than this one knows: this one would lose it.
    """
    sql = (
        "SELECT id, CASE WHEN t.version IS DISTINCT FROM h.version THEN t.body END AS body, t.release"
        f" FROM unnest($1::uuid[], $2::int[]) AS h(id, version) JOIN {qualified(kind.table)} t USING (id)"
        " ORDER BY id FOR UPDATE OF t"
    )
    versions = [held[identity].version if identity in held else None for identity in ids]
    rows = await conn.fetch(sql, ids, versions)
    known = kind.since.number
    if newer := {row["id"]: row["release"] for row in rows if row["release"] > known}:
        raise NewerRelease(kind.name, Release.of(max(newer.values())), newer)
    return {
        row["id"]: held[row["id"]] if row["body"] is None else kind.model.model_validate_json(row["body"])
        for row in rows
    }


async def save(conn: asyncpg.Connection, kind: Kind[Any], states: Sequence[Any], *, new: bool) -> bool:
    """Writes states with their promoted columns, those that are not `new` under their rows' locks; False when a new
    one turned out to be there already."""
    promoted = [dict(kind.columns(s)) for s in states]
    names = ("id", "version", "body", "release", *(promoted[0] if promoted else ()))
    arrays: list[list[Any]] = [
        [s.id for s in states],
        [s.version for s in states],
        [s.model_dump_json() for s in states],
        [kind.since.number] * len(states),
    ]
    arrays += to_arrays(kind.table, names[4:], promoted)
    sql = (
        _insert(kind.table, names, upsert=False) + " ON CONFLICT (id) DO NOTHING" if new else _update(kind.table, names)
    )
    done: str = await conn.execute(sql, *arrays)
    return int(done.rpartition(" ")[2]) == len(states)
