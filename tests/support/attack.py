"""People of every role and place, as tokens that the platform itself signed, and a client that sends what nobody should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from shared.clock import SystemClock, new_id
from shared.http.principal import DEPARTMENT_ROLES, Principal, RoleInUnit
from shared.http.tokens import issue
from shared.person_index import PersonIndex
from tests.support.platform import Hosted

PEOPLE: Mapping[str, tuple[str, str, str]] = {
    "window": ("clerk", "420112-HALL-W01", "420112"),
    "next window": ("clerk", "420112-HALL-W02", "420112"),
    "town": ("town_clerk", "420112001000", "420112001000"),
    "other town": ("town_clerk", "420112002000", "420112002000"),
    "village": ("village_worker", "420112001201", "420112001201"),
    "elderly": ("handler", "420112-ELDERLY", "420112"),
    "elderly approver": ("approver", "420112-ELDERLY", "420112"),
    "assistance": ("handler", "420112-ASSISTANCE", "420112"),
    "funeral": ("handler", "420112-FUNERAL", "420112"),
    "marriage": ("handler", "420112-MARRIAGE", "420112"),
    "registrar": ("registrar", "420112-MARRIAGE", "420112"),
    "county": ("supervisor", "420112", "420112"),
    "city": ("supervisor", "420100", "420100"),
    "auditor": ("auditor", "420000", "420000"),
    "operator": ("operator", "420000", "420000"),
    "security": ("security", "420000", "420000"),
    "funeral home": ("funeral_home", "FH-420112-01", "420112"),
    "other window": ("clerk", "420102-HALL-W01", "420102"),
    "other handler": ("handler", "420102", "420102"),
    "other county": ("supervisor", "420102", "420102"),
    "other home": ("funeral_home", "FH-420102-01", "420102"),
    "unknown unit": ("handler", "420112-NOWHERE", "420112"),
    **{f"department {role}": (role, f"420112-{role.upper()}", "420112") for role in sorted(DEPARTMENT_ROLES)},
}
"""Role, unit and region of each; a county's bureau, four sections, two windows, two towns, a village, another county."""
CITIZENS: Mapping[str, tuple[str, str] | None] = {
    "owner": ("resident_id", "420112197003150014"),
    "stranger": ("resident_id", "420112199001010011"),
    "nobody known": None,
}
"""Citizens, by the number that access established; one whose person is not known."""
EVERYBODY = (*PEOPLE, *CITIZENS)


def principal(platform: Hosted, name: str) -> Principal:
    """Who this is, as access would say it."""
    if name in PEOPLE:
        role, unit, region = PEOPLE[name]
        kind = "department" if role in DEPARTMENT_ROLES else "partner" if role == "funeral_home" else "staff"
        return Principal(name, name, kind, (RoleInUnit(role, unit, region),))
    identity = CITIZENS[name]
    ref = PersonIndex(platform.host.keyring.index_key).person_ref(*identity) if identity else None
    return Principal(name, name, "citizen", (RoleInUnit("citizen", "", ""),), person_ref=ref)


def token(platform: Hosted, who: str | Principal) -> str:
    """A token that holds now."""
    found = principal(platform, who) if isinstance(who, str) else who
    kid, key = platform.host.keyring.signing_key
    return issue(found, kid, key, SystemClock().now())


async def call(
    platform: Hosted,
    who: str | Principal | None,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> httpx.Response:
    """Any request as any person, or as nobody; a fresh idempotency key unless one is given."""
    sent = {"Idempotency-Key": str(new_id()), **(headers or {})}
    if who is not None:
        sent.setdefault("Authorization", f"Bearer {token(platform, who)}")
    async with platform.client(None) as client:
        return await client.request(method, path, headers=sent, **more)
