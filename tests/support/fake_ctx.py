"""A world for pure handlers: keys from a temporary folder, a clock that stands where it is put, a small tree of units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from shared.catalog.protocol import (
    EffectsFrozen,
    EffectsReleased,
    ItemReady,
    ItemRequested,
    ItemSettled,
    ReversalRequested,
)
from shared.catalog.registry import Catalog
from shared.changes import Changes, Ctx
from shared.crypto import Keyring, Sealed
from shared.handling.sealing import seal_part
from shared.outcomes import Nature
from shared.policy import Policy

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning in Beijing."""

CASE = UUID(int=1)
ITEM = UUID(int=2)
REGION = "420112"
UNITS: dict[str, dict[str, Any]] = {
    "town": {"code": "town", "region": "420112001000", "parent": "county", "attributes": {}},
    "county": {"code": "county", "region": REGION, "parent": None, "attributes": {}},
}


class FakeUnits:
    """A tree of units that a test writes down."""

    def __init__(self, units: dict[str, dict[str, Any]]) -> None:
        self._units = units

    def get(self, code: str, on: datetime | None = None) -> dict[str, Any] | None:
        return self._units.get(code)

    def chain(self, code: str) -> list[str]:
        found = []
        while code in self._units:
            found.append(code)
            code = self._units[code]["parent"] or ""
        return found

    def all(self) -> list[dict[str, Any]]:
        return list(self._units.values())


@cache
def keyring(*services: str) -> Keyring:
    """Keys made once a test run; nothing of them stays on disk."""
    with TemporaryDirectory() as folder:
        return Keyring.open(Path(folder) / "keys", services)


def fake_ctx(
    service: str = "toy",
    now: datetime = NOW,
    units: dict[str, dict[str, Any]] | None = None,
    policy: Policy | None = None,
    catalog: Catalog | None = None,
    actor: str = "system",
) -> Ctx:
    """The world of a service that holds only its own key."""
    return Ctx(
        service=service,
        now=now,
        keyring=keyring(service),
        catalog=catalog or Catalog({}),
        policy=policy or Policy(),
        units=FakeUnits(units if units is not None else UNITS),
        actor=actor,
    )


def at(ctx: Ctx, now: datetime) -> Ctx:
    """The same world at another time."""
    return replace(ctx, now=now)


def sealed_part(ctx: Ctx, form: dict[str, Any] | None = None, sealed_round: int = 1, **parties: Any) -> Sealed:
    """A part of an application as intake would seal it for the service."""
    part = {"parties": parties, "form": form or {}}
    return seal_part(ctx.keyring.sealer(), ctx.service, CASE, ITEM, sealed_round, part)


def item_requested(ctx: Ctx, matter: str, form: dict[str, Any] | None = None, **changed: Any) -> ItemRequested:
    """The coordinator's request for one item, ready to be decided unless changed."""
    values: dict[str, Any] = {
        "item_id": ITEM,
        "case_id": CASE,
        "application_no": "42011220261123010000013",
        "matter": matter,
        "definition": "0" * 64,
        "nature": Nature.ON_APPLICATION,
        "round": 1,
        "ready": True,
        "unit": "town",
        "accept_region": REGION,
        "received_at": NOW,
        "sealed": sealed_part(ctx, form, sealed_round=changed.get("sealed_round", 1)),
    }
    return ItemRequested(**{**values, **changed})


def item_ready(round_: int = 1, **changed: Any) -> ItemReady:
    """Everything the item waited for is there."""
    return ItemReady(item_id=ITEM, case_id=CASE, round=round_, **changed)


def item_settled(status: str = "applied", round_: int = 1) -> ItemSettled:
    """What became of the decision."""
    return ItemSettled(item_id=ITEM, case_id=CASE, round=round_, status=status)  # type: ignore[arg-type]


def told(changes: Changes[Any]) -> list[str]:
    """The names of what was emitted, in order."""
    return [type(emit.message).__name__ for emit in changes.emits]


def message(changes: Changes[Any], name: str) -> Any:
    """The one emitted message of this name."""
    (found,) = [emit.message for emit in changes.emits if type(emit.message).__name__ == name]
    return found


def effects_frozen(ground: str = "OBJECTION", round_: int = 1) -> EffectsFrozen:
    """What the item rests on is in doubt."""
    return EffectsFrozen(item_id=ITEM, case_id=CASE, round=round_, ground=ground)


def effects_released(ground: str = "OBJECTION", round_: int = 1) -> EffectsReleased:
    """The doubt is settled, the item's effects stand."""
    return EffectsReleased(item_id=ITEM, case_id=CASE, round=round_, ground=ground)


def reversal_requested(round_: int = 1, law: str = "《示例办法》第二条") -> ReversalRequested:
    """The fact behind the item was retracted."""
    asked: Any = {"cause": "fact_retracted", "reason_code": "FACT_RETRACTED", "law": law}
    return ReversalRequested(item_id=ITEM, case_id=CASE, round=round_, **asked)
