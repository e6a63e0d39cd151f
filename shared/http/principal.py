"""Who is calling: an account with its roles in units, as the token says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from shared import regions

STAFF_ROLES: Final = frozenset(
    {
        *("clerk", "town_clerk", "village_worker", "handler", "approver", "registrar", "funeral_home"),
        *("supervisor", "operator", "auditor", "security"),
    }
)
DEPARTMENT_ROLES: Final = frozenset({"psb", "hrss", "medins", "court", "dpf", "health"})
ROLES: Final = STAFF_ROLES | DEPARTMENT_ROLES | {"citizen"}
"""Every role there is; a guard that names another stops the start."""


@dataclass(frozen=True, slots=True)
class RoleInUnit:
    """A role (岗位) held in one unit; `region` is the division code that the unit works for."""

    role: str
    unit: str
    region: str


@dataclass(frozen=True, slots=True)
class Principal:
    """An account that has proved itself; `kind` is staff, citizen, partner or department.

    `person_ref` is a citizen's own; `kin` are the references of a member of staff's near relatives (近亲属), from whose
    matters they are kept away; `account` is the name it signs in with, never given twice. `session` is the one that
    its token belongs to.
    """

    account: str
    name: str
    kind: str
    roles: tuple[RoleInUnit, ...] = ()
    scopes: tuple[str, ...] = ()
    person_ref: str | None = None
    kin: frozenset[str] = frozenset()
    session: UUID | None = field(default=None, compare=False, kw_only=True)

    @property
    def id(self) -> str:
        """What stands in audit rows and idempotency keys."""
        return self.account

    def has(self, *roles: str) -> bool:
        """Whether it holds one of these roles, in whatever unit."""
        return any(r.role in roles for r in self.roles)

    def covers(self, region: str, *roles: str) -> bool:
        """Whether one of its roles (of these, if any are named) is held where the region lies."""
        return any(regions.covers(r.region, region) for r in self.roles if not roles or r.role in roles)

    def in_unit(self, unit: str, *roles: str) -> bool:
        """Whether it holds a role (one of these, if any are named) in this very unit."""
        return any(r.unit == unit for r in self.roles if not roles or r.role in roles)

    def units_for(self, role: str) -> tuple[str, ...]:
        """The units in which it holds this role, each once."""
        return tuple(dict.fromkeys(r.unit for r in self.roles if r.role == role))


def to_claims(principal: Principal) -> dict[str, Any]:
    """The principal as claims of a token."""
    return {
        "sub": principal.account,
        "name": principal.name,
        "kind": principal.kind,
        "roles": [[r.role, r.unit, r.region] for r in principal.roles],
        "scope": " ".join(principal.scopes),
        **({"person_ref": principal.person_ref} if principal.person_ref else {}),
        **({"kin": sorted(principal.kin)} if principal.kin else {}),
    }


def from_claims(claims: Mapping[str, Any]) -> Principal:
    """The principal in verified claims; `KeyError`, `TypeError` or `ValueError` when they are not ours."""
    return Principal(
        account=claims["sub"],
        name=claims["name"],
        kind=claims["kind"],
        roles=tuple(RoleInUnit(*map(str, role)) for role in claims["roles"]),
        scopes=tuple(claims["scope"].split()),
        person_ref=claims.get("person_ref"),
        kin=frozenset(map(str, claims.get("kin", ()))),
        session=UUID(claims["sid"]) if "sid" in claims else None,  # none in a token of the release before
    )
