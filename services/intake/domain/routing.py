"""Which unit handles a matter for a place: read from the local copy of the dated tree of units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from shared.catalog.authority import Authority, authorities
from shared.catalog.model import Matter
from shared.regions import covers, region_level

_LEVEL = {"province": 1, "city": 2, "county": 3, "town": 4}
_NO_AUTHORITY = frozenset({"partner", "hall", "window"})
_OWN = frozenset({"province", "city", "county", "town", "village", "section"})

Unit = Mapping[str, Any]


def in_force(units: Iterable[Unit], on: date) -> list[Unit]:
    """The units that exist on a day."""
    return [
        u for u in units if _day(u["valid_from"]) <= on and (u.get("valid_to") is None or on <= _day(u["valid_to"]))
    ]


def place_of(matter: Matter, accept_region: str, form: Mapping[str, Any], units: Iterable[Unit]) -> str:
    """Where a matter is handled: where the form field says that it names, else, or where nobody here serves that
    place, where it is received."""
    said = form.get(matter.handled_where) if matter.handled_where else None
    return said if isinstance(said, str) and knows_region(said, units) else accept_region


def unit_of(matter: Matter, region: str, units: Iterable[Unit], on: date | None = None) -> str | None:
    """The unit that decides this matter for a place.

    Where an authority is declared, of the deciding organ and what belongs to it the unit that carries the matter's
    service, else the organ. Elsewhere, of the units over the place that carry the service, the one of the level that
    the matter names, else the nearest; without any such, the authority of the place itself; None if there is none.
    """
    known = list(units)
    declared = authorities().of(matter.code, region, on) if on else None
    if declared is not None and (found := _of_organ(declared.deciding, matter, known)):
        return found
    over = [u for u in known if u["kind"] not in _NO_AUTHORITY and covers(u["region"], region)]
    carrying = [u for u in over if matter.service in _services(u)]
    level = _LEVEL[matter.decided_at]
    own = [u for u in over if u["kind"] in _OWN]
    best = min(carrying or own, key=lambda u: (abs(_level(u) - level), -_level(u), u["code"]), default=None)
    return None if best is None else str(best["code"])


def _of_organ(organ: str, matter: Matter, units: Iterable[Unit]) -> str | None:
    by_code = {u["code"]: u for u in units}
    if organ not in by_code:
        return None
    inside = [u for u in by_code.values() if u["kind"] == "section" and u.get("parent") == organ]
    return min((str(u["code"]) for u in inside if matter.service in _services(u)), default=organ)


def receiving_unit(region: str, units: Iterable[Unit], declared: Authority | None = None) -> str | None:
    """The unit that receives what a citizen hands in for a place: the nearest of those that the authority names, or of
    its halls and windows; else the nearest unit."""
    over = [u for u in units if u["kind"] != "partner" and covers(u["region"], region)]
    named = [u for u in over if declared is not None and u["code"] in declared.receiving]
    best = min(named or over, key=lambda u: (-_level(u), u["kind"] not in _NO_AUTHORITY, u["code"]), default=None)
    return None if best is None else str(best["code"])


def elsewhere(units: Mapping[str, str], accept_region: str, known: Iterable[Unit]) -> tuple[str, ...]:
    """The regions of the units that handle a part of it and do not lie over the place that received it."""
    regions = {u["code"]: str(u["region"]) for u in known}
    found = (regions[code] for code in units.values() if code in regions)
    return tuple(dict.fromkeys(r for r in found if not covers(r, accept_region)))


def knows_region(region: str, units: Iterable[Unit]) -> bool:
    """Whether a unit serves this very place, or one that lies in it."""
    return any(covers(region, u["region"]) or (covers(u["region"], region) and _level(u) >= 3) for u in units)


def partner(code: str, units: Iterable[Unit]) -> Unit | None:
    """The partner (殡仪馆 and the like) of this code, or None."""
    return next((u for u in units if u["code"] == code and u["kind"] == "partner"), None)


def partners(units: Iterable[Unit]) -> list[str]:
    """The codes of all partners."""
    return [str(u["code"]) for u in units if u["kind"] == "partner"]


def regions(units: Iterable[Unit]) -> list[str]:
    """The places that units serve, from the county down."""
    return [str(u["region"]) for u in units if _level(u) >= _LEVEL["county"]]


def _services(unit: Unit) -> Iterable[str]:
    services: Iterable[str] = (unit.get("attributes") or {}).get("services") or ()
    return services


def _level(unit: Unit) -> int:
    return region_level(unit["region"])


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
