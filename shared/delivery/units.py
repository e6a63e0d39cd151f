"""A service's local copy of the tree of units: rows fed by `UnitChanged`, held in memory by each copy of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from shared.clock import beijing_date
from shared.db.site import Site
from shared.delivery.copies import LocalCopy

if TYPE_CHECKING:
    from shared.messages import Envelope
    from shared.spec import ServiceSpec


class LocalUnits(LocalCopy):
    """The tree as this service knows it. A body holds code, kind, name, region, parent, valid_from, valid_to,
    attributes and `streamversion`."""

    def __init__(self, site: Site, spec: ServiceSpec) -> None:
        super().__init__(site, spec, spec.delivery.unit, "units")
        self._units: dict[str, dict[str, Any]] = {}

    def get(self, code: str, on: datetime | None = None) -> Mapping[str, Any] | None:
        """The unit's present state; None if unknown, or not valid on the Beijing day of `on`."""
        unit = self._units.get(code)
        if unit is None or on is None:
            return unit
        day = beijing_date(on).isoformat()
        valid = unit["valid_from"] <= day and (unit.get("valid_to") is None or day <= unit["valid_to"])
        return unit if valid else None

    def chain(self, code: str) -> list[str]:
        """The unit and those above it, nearest first; a circle is cut."""
        found: list[str] = []
        while code and code in self._units and code not in found:
            found.append(code)
            code = self._units[code].get("parent") or ""
        return found

    def all(self) -> Iterator[Mapping[str, Any]]:
        """Every unit."""
        return iter(self._units.values())

    async def load(self) -> None:
        """Reads the table into memory."""
        async with self._db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(f"SELECT code, body FROM {self._table}")
        self._units = {row["code"]: orjson.loads(row["body"]) for row in rows}

    async def apply(self, envelopes: Sequence[Envelope]) -> None:
        """Takes the units' new states; an older state never replaces a newer one, so order does not matter."""
        bodies: dict[str, dict[str, Any]] = {}
        for envelope in envelopes:
            body = {**orjson.loads(envelope.data), "streamversion": envelope.streamversion}
            bodies[body["code"]] = max(bodies.get(body["code"], body), body, key=lambda b: b["streamversion"])
        async with self._db.transaction(self._role) as conn:
            await conn.execute(
                f"INSERT INTO {self._table} AS u (code, parent, body) SELECT * FROM unnest($1::text[], $2::text[],"
                " $3::jsonb[]) ON CONFLICT (code) DO UPDATE SET parent = EXCLUDED.parent, body = EXCLUDED.body"
                " WHERE (u.body->>'streamversion')::int < (EXCLUDED.body->>'streamversion')::int",
                list(bodies),
                [b.get("parent") for b in bodies.values()],
                [orjson.dumps(b).decode() for b in bodies.values()],
            )
        await self.load()
        await self._tell_others()
