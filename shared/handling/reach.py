"""Whose work a role reaches: the region it is held for, and there the services that its unit decides for.

A unit that names its services (科室) gives no reach into those of others; a hall, a window or a village names none and
reaches what lies in its region; a partner, and a unit that is not known, reach what is their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.changes import Ctx
from shared.http.principal import RoleInUnit
from shared.regions import covers

LOOKING: Final = frozenset(
    {"clerk", "town_clerk", "village_worker", "handler", "approver", "registrar", "supervisor", "auditor"}
)
"""Roles that may look at the work of others where they are held; a funeral home, an operator and a security officer
see what they may act on, nothing else."""


def carries(unit: str, ctx: Ctx) -> bool:
    """Whether a unit's roles reach all work of this service in its region."""
    row = ctx.units.get(unit)
    if row is None or row.get("kind") == "partner":
        return False
    services = (row.get("attributes") or {}).get("services")
    return not services or ctx.service in services


def reaches(role: RoleInUnit, unit: str, region: str, ctx: Ctx) -> bool:
    """Whether a role reaches the work that lies with a unit in a region."""
    return covers(role.region, region) and (carries(role.unit, ctx) or role.unit in (unit, *ctx.units.chain(unit)))


def may_look(roles: Iterable[RoleInUnit], unit: str, region: str, ctx: Ctx) -> bool:
    """Whether one of these roles may look at the work that lies with a unit in a region."""
    return any(r.role in LOOKING and reaches(r, unit, region, ctx) for r in roles)
