"""Accounts and what they hold, read and written by hand: the connection is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from services.access.domain.accounts import (
    FORGOTTEN_AFTER,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    account_id,
    failures_now,
    wait_to_try,
)
from services.access.domain.units import Assignment, UnitFacts
from services.access.store.units import facts_of
from shared.messages import derived_id

if TYPE_CHECKING:
    import asyncpg


DEMONSTRATION: Final = "demonstration"
"""The mark of an account opened under demonstration, among its scopes: everybody knows its secret."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is kept."""

    id: UUID
    account: str
    name: str
    kind: str
    secret: str
    scopes: tuple[str, ...]
    person_ref: str | None
    disabled_at: datetime | None


async def find(conn: asyncpg.Connection, account: str) -> Account | None:
    """The account of this name, if there is one."""
    return _account(await conn.fetchrow("SELECT * FROM access.account WHERE account = $1", account))


async def find_by_id(conn: asyncpg.Connection, identity: UUID) -> Account | None:
    """The account of this id, if there is one."""
    return _account(await conn.fetchrow("SELECT * FROM access.account WHERE id = $1", identity))


def _account(row: Any) -> Account | None:
    if row is None:
        return None
    fields = ("id", "account", "name", "kind", "secret")
    return Account(
        **{name: row[name] for name in fields},
        scopes=tuple(orjson.loads(row["scopes"])),
        person_ref=row["person_ref"],
        disabled_at=row["disabled_at"],
    )


_THEIRS = """
SELECT a.id, a.account, a.name, a.kind, a.disabled_at FROM access.account a
WHERE a.kind <> 'citizen' AND ($1::text IS NULL OR a.account > $1)
AND EXISTS (SELECT FROM access.assignment s WHERE s.account = a.account AND s.unit IS NOT NULL)
AND NOT EXISTS (SELECT FROM access.assignment s JOIN access.node n ON n.code = s.unit
    WHERE s.account = a.account AND NOT n.region LIKE ANY($2::text[]))
ORDER BY a.account LIMIT $3
"""


async def listed(conn: asyncpg.Connection, after: str | None, regions: list[str], limit: int) -> list[dict[str, Any]]:
    """Accounts by name, all of whose roles lie in these regions (`LIKE` patterns), each with what it was given."""
    rows = [dict(row) for row in await conn.fetch(_THEIRS, after, regions, limit)]
    held = await conn.fetch(
        "SELECT account, role, unit, valid_from, valid_to, stand_in_for FROM access.assignment"
        " WHERE account = ANY($1::text[]) ORDER BY role, unit, valid_from",
        [row["account"] for row in rows],
    )
    return [{**row, "roles": [dict(h) for h in held if h["account"] == row["account"]]} for row in rows]


async def assignments(conn: asyncpg.Connection, account: str) -> list[Assignment]:
    """The account's assignments, and those of everybody it stands in for."""
    rows = await conn.fetch(
        "SELECT account, role, unit, valid_from, valid_to, stand_in_for FROM access.assignment WHERE account = $1"
        " OR account IN (SELECT stand_in_for FROM access.assignment WHERE account = $1)",
        account,
    )
    return [Assignment(**dict(row)) for row in rows]


async def units_of(conn: asyncpg.Connection, found: list[Assignment]) -> dict[str, UnitFacts]:
    """The units in which these roles are held."""
    codes = sorted({a.unit for a in found if a.unit is not None})
    rows = await conn.fetch(
        "SELECT body->'facts' AS facts, release FROM access.node WHERE code = ANY($1::text[])", codes
    )
    units = [facts_of(row) for row in rows]
    return {unit.code: unit for unit in units}


async def disable(conn: asyncpg.Connection, identity: UUID, at: datetime) -> datetime:
    """Closes the account's door from now on; answers when it was closed first."""
    sql = "UPDATE access.account SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1 RETURNING disabled_at"
    closed: datetime = await conn.fetchval(sql, identity, at)
    return closed


async def set_secret(conn: asyncpg.Connection, identity: UUID, kept: str) -> None:
    """From now on this hash is compared."""
    await conn.execute("UPDATE access.account SET secret = $2 WHERE id = $1", identity, kept)


async def assign(conn: asyncpg.Connection, role: Assignment) -> None:
    """Gives the role, or moves its last day where it is held since the same day already."""
    await conn.execute(
        "INSERT INTO access.assignment (id, account, role, unit, valid_from, valid_to, stand_in_for)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET valid_to = EXCLUDED.valid_to",
        derived_id("assignment", role.account, role.role, role.unit, role.valid_from, role.stand_in_for),
        role.account,
        role.role,
        role.unit,
        role.valid_from,
        role.valid_to,
        role.stand_in_for,
    )


# --- accounts of an outside issuer ------------------------------------------------------------------------------------


async def linked(conn: asyncpg.Connection, subject: str) -> Account | None:
    """The account that this subject of the outside issuer signs in as."""
    sql = "SELECT a.* FROM access.account a JOIN access.outside_link l ON l.account = a.account WHERE l.subject = $1"
    return _account(await conn.fetchrow(sql, subject))


async def link(conn: asyncpg.Connection, subject: str, account: str, at: datetime) -> bool:
    """Binds a subject to an account for good; False when either is bound already, to whatever."""
    sql = "INSERT INTO access.outside_link (subject, account, linked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    return str(await conn.execute(sql, subject, account, at)) == "INSERT 0 1"


async def open_citizen(conn: asyncpg.Connection, account: str, name: str, person_ref: str, at: datetime) -> None:
    """An account for a citizen whom the outside issuer knows; no secret opens it here."""
    await conn.execute(
        "INSERT INTO access.account (id, account, name, kind, secret, scopes, person_ref, created_at)"
        " VALUES ($1, $2, $3, 'citizen', '', '[]', $4, $5) ON CONFLICT DO NOTHING",
        account_id(account),
        account,
        name,
        person_ref,
        at,
    )
    await assign(conn, Assignment(account, "citizen", None))


# --- wrong tries ------------------------------------------------------------------------------------------------------


async def wait(conn: asyncpg.Connection, account: str, address: str, now: datetime) -> timedelta:
    """How long this name, known or not, and this address must wait before either is tried again."""
    free = {_name_hash(account): FREE_TRIES, _address_hash(address): FREE_TRIES_OF_ADDRESS}
    rows = await conn.fetch(
        "SELECT name_hash, failures, last_at FROM access.sign_in_failure WHERE name_hash = ANY($1)", list(free)
    )
    waits = [wait_to_try(r["failures"], r["last_at"], now, free[r["name_hash"]]) for r in rows]
    return max(waits, default=timedelta(0))


async def count_failure(conn: asyncpg.Connection, account: str, address: str, now: datetime) -> None:
    """One more wrong try of this name and from this address; tries long past are forgotten with it."""
    for hashed in sorted((_name_hash(account), _address_hash(address))):
        row = await conn.fetchrow(
            "SELECT failures, last_at FROM access.sign_in_failure WHERE name_hash = $1 FOR UPDATE", hashed
        )
        failures = 1 + (failures_now(row["failures"], row["last_at"], now) if row else 0)
        await conn.execute(
            "INSERT INTO access.sign_in_failure AS f (name_hash, failures, last_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (name_hash) DO UPDATE SET last_at = EXCLUDED.last_at,"
            " failures = CASE WHEN EXCLUDED.failures = 1 AND f.last_at >= $4 THEN f.failures + 1"
            " ELSE EXCLUDED.failures END",
            hashed,
            failures,
            now,
            now - FORGOTTEN_AFTER,
        )
    await conn.execute("DELETE FROM access.sign_in_failure WHERE last_at < $1", now - FORGOTTEN_AFTER)


async def clear_failures(conn: asyncpg.Connection, account: str) -> None:
    """The right secret wipes out the wrong tries of the name; those of an address only time does."""
    await conn.execute("DELETE FROM access.sign_in_failure WHERE name_hash = $1", _name_hash(account))


def _name_hash(account: str) -> str:
    return sha256(f"onewindow sign-in\0{account}".encode()).hexdigest()


def _address_hash(address: str) -> str:
    return sha256(f"onewindow address\0{address}".encode()).hexdigest()


async def audit(conn: asyncpg.Connection, at: datetime, actor: str, action: str, identity: str, **detail: Any) -> None:
    """One audit row about an account, in the caller's transaction; no secret and no unknown name stands in it."""
    await conn.execute(
        "INSERT INTO access.audit (at, actor, action, kind, aggregate_id, version, detail)"
        " VALUES ($1, $2, $3, 'account', $4, 0, $5::jsonb)",
        at,
        actor,
        action,
        identity,
        orjson.dumps(detail).decode(),
    )
