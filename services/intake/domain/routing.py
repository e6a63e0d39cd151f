"""Which unit handles a matter for a place: read from the local copy of the dated tree of units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

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


def unit_of(matter: Matter, region: str, units: Iterable[Unit]) -> str | None:
    """The unit that decides this matter for a place: of those over it that carry the matter's service, the one of the
    level that the matter names, else the nearest; without any such, the authority of the place itself; None if the
    place has none."""
    over = [u for u in units if u["kind"] not in _NO_AUTHORITY and covers(u["region"], region)]
    carrying = [u for u in over if matter.service in _services(u)]
    level = _LEVEL[matter.decided_at]
    own = [u for u in over if u["kind"] in _OWN]
    best = min(carrying or own, key=lambda u: (abs(_level(u) - level), -_level(u), u["code"]), default=None)
    return None if best is None else str(best["code"])


def receiving_unit(region: str, units: Iterable[Unit]) -> str | None:
    """The unit that receives what a citizen hands in for a place: its nearest hall or window, else the nearest unit."""
    over = [u for u in units if u["kind"] != "partner" and covers(u["region"], region)]
    best = min(over, key=lambda u: (-_level(u), u["kind"] not in _NO_AUTHORITY, u["code"]), default=None)
    return None if best is None else str(best["code"])


def knows_region(region: str, units: Iterable[Unit]) -> bool:
    """Whether a unit serves this very place, or one that lies in it."""
    return any(covers(region, u["region"]) or (covers(u["region"], region) and _level(u) >= 3) for u in units)


def partner(code: str, units: Iterable[Unit]) -> Unit | None:
    """The partner (殡仪馆 and the like) of this code, or None."""
    return next((u for u in units if u["code"] == code and u["kind"] == "partner"), None)


def _services(unit: Unit) -> Iterable[str]:
    services: Iterable[str] = (unit.get("attributes") or {}).get("services") or ()
    return services


def _level(unit: Unit) -> int:
    return region_level(unit["region"])


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
