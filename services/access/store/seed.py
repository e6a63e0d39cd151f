"""The first filling of units and accounts, from lists of plain values; doing it again changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.access.domain.accounts import AccountKind, account_id
from services.access.domain.units import (
    Assignment,
    Unit,
    UnitFacts,
    change_unit,
    check_together,
    check_unit,
    unit_id,
)
from services.access.store.accounts import DEMONSTRATION, assign
from services.access.store.secrets import Secrets
from shared.changes import Changes, Ctx
from shared.codes import named
from shared.errors import Misconfigured
from shared.http.principal import ROLES
from shared.person_index import PersonIndex
from shared.spec import Command, ServiceHandle

ACTOR = "setup"


class RoleFacts(BaseModel):
    """A role to hold; a stand-in has two dates, always."""

    model_config = ConfigDict(extra="forbid")

    role: str
    unit: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    stand_in_for: str | None = None

    @field_validator("role")
    @classmethod
    def _is_known(cls, role: str) -> str:
        if role not in ROLES:
            raise PydanticCustomError("UNKNOWN_ROLE", "no such role", {"told": named("UNKNOWN_ROLE", role, ROLES)})
        return role

    @model_validator(mode="after")
    def _is_possible(self) -> RoleFacts:
        if self.stand_in_for is not None and (self.valid_from is None or self.valid_to is None):
            raise ValueError("代理须有起止日期 / a stand-in needs both dates")
        return self


class AccountFacts(BaseModel):
    """An account to open; `identity` (type, number) is a citizen's own and is kept as a reference only."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    account: str = Field(pattern=r"^[a-z][a-z0-9_.-]{1,62}$")
    name: str
    kind: AccountKind
    secret: str = Field(min_length=8)
    scopes: list[str] = Field(default_factory=list)
    identity: tuple[str, str] | None = None
    roles: list[RoleFacts] = Field(default_factory=list)


async def seed(
    handle: ServiceHandle, units: Iterable[Mapping[str, Any]], accounts: Iterable[Mapping[str, Any]]
) -> None:
    """Makes the units and accounts that are not there yet, and leaves the others as people have changed them.

    Wrong data is `Misconfigured` (or pydantic's `ValidationError`), and nothing of it is kept.
    """
    tree = _checked_units(units)
    people = [AccountFacts.model_validate(facts) for facts in accounts]
    _check_roles(people, tree)
    await asyncio.gather(*(_plant(handle, facts) for facts in tree.values()))
    await _open(handle, people)


def _checked_units(units: Iterable[Mapping[str, Any]]) -> dict[str, UnitFacts]:
    found = [UnitFacts.model_validate(facts) for facts in units]
    tree = {facts.code: facts for facts in found}
    wrong = [f"{facts.code}{e.pointer} {e.code}" for facts in found for e in check_unit(facts, tree)]
    if wrong or len(tree) != len(found):
        named = "; ".join(wrong) or "code"
        raise Misconfigured("units", f"机构数据有误:{named}", f"the units are wrong: {named}")
    return tree


def _check_roles(people: list[AccountFacts], tree: Mapping[str, UnitFacts]) -> None:
    both = [f"{p.account}: {e.message}" for p in people if (e := check_together(r.role for r in p.roles))]
    if both:
        named = "; ".join(both)
        raise Misconfigured("accounts", f"账号数据有误:{named}", f"the accounts are wrong: {named}")
    wrong = [f"{p.account}: {r.unit}" for p in people for r in p.roles if r.unit is not None and r.unit not in tree]
    if wrong:
        named = "; ".join(wrong)
        raise Misconfigured("accounts", f"没有这些机构:{named}", f"there are no such units: {named}")


async def _plant(handle: ServiceHandle, facts: UnitFacts) -> None:
    await handle.command("unit", unit_id(facts.code), _planting(facts), actor=ACTOR)


def _planting(facts: UnitFacts) -> Command:
    def plant_unit(unit: Unit | None, ctx: Ctx) -> tuple[Changes[Unit] | None, None]:
        return (change_unit(None, facts) if unit is None else None), None

    return plant_unit


async def _open(handle: ServiceHandle, people: list[AccountFacts]) -> None:
    async with handle.read() as conn:
        known = {row["account"] for row in await conn.fetch("SELECT account FROM access.account")}
    fresh = [person for person in people if person.account not in known]
    if not fresh:
        return
    secrets = Secrets()
    hashes = await asyncio.gather(*(secrets.hash(person.secret) for person in fresh))
    async with handle.write(ACTOR) as conn:
        for person, kept in zip(fresh, hashes, strict=True):
            await _insert(conn, handle, person, kept)


async def _insert(conn: Any, handle: ServiceHandle, person: AccountFacts, kept: str) -> None:
    ref = PersonIndex(handle.keyring.index_key).person_ref(*person.identity) if person.identity else None
    await conn.execute(
        "INSERT INTO access.account (id, account, name, kind, secret, scopes, person_ref, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8) ON CONFLICT DO NOTHING",
        account_id(person.account),
        person.account,
        person.name,
        person.kind,
        kept,
        orjson.dumps([*person.scopes, *([DEMONSTRATION] if handle.settings.demo else [])]).decode(),
        ref,
        handle.clock.now(),
    )
    for role in person.roles:
        await assign(conn, Assignment(account=person.account, **role.model_dump()))
