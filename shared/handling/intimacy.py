"""Intimate matters (children, divorce, violence, illness) are shown only inside their section: one rule for every path.

Inside is who holds a role in the unit that decides, or in a section (科室) of its place that names the matter's service
as its own. A hall, a window, an authority above and every other section are outside, and are told neutral words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from shared.catalog.model import Matter
from shared.changes import Ctx, Units
from shared.handling.model import Item
from shared.handling.reach import may_look
from shared.http.principal import RoleInUnit
from shared.regions import covers

RESTRICTED: Final = "restricted"
"""Stands in place of the codes of a matter and its service."""

NAME: Final = ("受限事项", "a restricted matter")
"""Stands in place of its name."""

_BLANK: Final[Mapping[str, Any]] = {
    "matter": RESTRICTED,
    "service": RESTRICTED,
    "unit": RESTRICTED,
    "stage": "",
    "stage_name": NAME[0],
    "waiting_on": None,
    "external_no": None,
    "result": None,
    "findings": [],
    "pause": None,
    "extension": None,
    "handled": None,
    "transfer": None,
    "supervision": None,
    "withdrawal": None,
    "reason_code": "",
    "data": {},
}


def restricted(matter: Matter | None, unit: str, region: str, roles: Iterable[RoleInUnit], units: Units) -> bool:
    """Whether a matter that this unit decides in this region must not be shown to who holds these roles."""
    if matter is None or not matter.intimate:
        return False
    return not any(r.unit == unit or _section(r, matter.service, region, units) for r in roles)


def may_see(item: Item, roles: Sequence[RoleInUnit], ctx: Ctx) -> bool:
    """Whether one of these roles may look at an item and what came of it."""
    shut = restricted(ctx.catalog.matters.get(item.matter), item.unit, item.region, roles, ctx.units)
    return not shut and may_look(roles, item.unit, item.region, ctx)


def _section(role: RoleInUnit, service: str, region: str, units: Units) -> bool:
    return service in named_services(role.unit, units) and covers(role.region, region)


def named_services(unit: str, units: Units) -> list[str]:
    """The services that a unit names as its own; none for a hall or an authority."""
    row = units.get(unit)
    found: list[str] = list((row.get("attributes") or {}).get("services") or ()) if row is not None else []
    return found


def neutral(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item, as some route shows it, of which only how far it is is told."""
    return {name: _BLANK.get(name, value) for name, value in item.items()}
