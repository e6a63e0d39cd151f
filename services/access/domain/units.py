"""Units with their dates, roles held in them, stand-ins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.administrators import together
from shared.catalog.protocol import UnitChanged
from shared.changes import Changes, Emit, State
from shared.codes import named
from shared.errors import FieldError
from shared.messages import derived_id, topic_of
from shared.regions import covers, is_region

# --- the tree of units ------------------------------------------------------------------------------------------------

UnitKind = Literal[
    "province", "city", "county", "town", "village", "section", "hall", "window", "partner", "department"
]
_CODE: Final = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
EVENTS: Final = topic_of("access", "events")


class UnitFacts(BaseModel):
    """What is known of a unit (机构): the content of a change.

    `code` is its division code for an authority (420112), that code and a part for what belongs to it
    (420112-HALL-W01), and a kind's own scheme for partners (FH-420112-01). `valid_to` is its last day. `attributes`
    hold `services` (whose matters it decides), `staff` (accounts a role), `stand_ins` (accounts a role), `leader`.
    """

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=64)
    kind: UnitKind
    name: str = Field(min_length=1, max_length=100)
    region: str
    parent: str | None = Field(None, max_length=64)
    valid_from: date
    valid_to: date | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


class Unit(State):
    """A unit's present state and what it was before, newest last."""

    facts: UnitFacts
    past: list[UnitFacts] = Field(default_factory=list)


def unit_id(code: str) -> UUID:
    """The aggregate's id: one unit a code, for good."""
    return derived_id("unit", code)


def check_unit(facts: UnitFacts, tree: Mapping[str, UnitFacts]) -> list[FieldError]:
    """What is wrong with a change, given all units as they are."""
    found = []
    if _CODE.fullmatch(facts.code) is None:
        found.append(FieldError("/code", "UNIT_CODE"))
    if not is_region(facts.region):
        found.append(FieldError("/region", "REGION_FORMAT"))
    if facts.valid_to is not None and facts.valid_to < facts.valid_from:
        found.append(FieldError("/valid_to", "DATES"))
    return found + _check_stand_ins(facts.attributes.get("stand_ins")) + _check_parent(facts, tree)


def _check_stand_ins(given: Any) -> list[FieldError]:
    """Each is an account, or an account with both days; by role or for all roles."""
    lists = given.values() if isinstance(given, dict) else [given or []]
    if all(isinstance(people, list | tuple) and all(map(_stands_in, people)) for people in lists):
        return []
    return [FieldError("/attributes/stand_ins", "STAND_IN")]


def _stands_in(person: Any) -> bool:
    if isinstance(person, str):
        return True
    try:
        return (
            isinstance(person["account"], str)
            and person.keys() == {"account", "valid_from", "valid_to"}
            and date.fromisoformat(str(person["valid_from"])) <= date.fromisoformat(str(person["valid_to"]))
        )
    except (TypeError, KeyError, ValueError):
        return False


def _check_parent(facts: UnitFacts, tree: Mapping[str, UnitFacts]) -> list[FieldError]:
    if facts.parent is None:
        return []
    parent = tree.get(facts.parent)
    if parent is None:
        return [FieldError("/parent", "UNKNOWN_UNIT", named("UNKNOWN_UNIT", facts.parent, tree))]
    if facts.code in _line(facts.parent, tree):
        return [FieldError("/parent", "CIRCLE")]
    if not covers(parent.region, facts.region):
        return [FieldError("/region", "OUTSIDE_PARENT")]
    return []


def _line(code: str | None, tree: Mapping[str, UnitFacts]) -> list[str]:
    found: list[str] = []
    while code is not None and code not in found:
        found.append(code)
        code = tree[code].parent if code in tree else None
    return found


def change_unit(unit: Unit | None, facts: UnitFacts) -> Changes[Unit] | None:
    """The unit with its new facts, told to every service; None when they say nothing new."""
    if unit is not None and unit.facts == facts:
        return None
    past = [*unit.past, unit.facts] if unit else []
    state = unit or Unit(id=unit_id(facts.code), facts=facts)
    state.facts, state.past = facts, past
    event = UnitChanged(**facts.model_dump())
    return Changes(state, emits=[Emit(EVENTS, facts.code, event, key=facts.code)])


def in_force(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    """Whether a period holds on a Beijing day; both ends belong to it, None is open."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on <= valid_to)


# --- roles in units ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role (岗位) that an account holds in a unit (None: nowhere, as a citizen), or stands in for somebody there."""

    account: str
    role: str
    unit: str | None
    valid_from: date | None = None
    valid_to: date | None = None
    stand_in_for: str | None = None


class HeldRole(NamedTuple):
    """A role held today, in which unit, working for which region (empty texts: nowhere)."""

    role: str
    unit: str
    region: str


def roles_on(
    account: str, assignments: Collection[Assignment], units: Mapping[str, UnitFacts], on: date
) -> tuple[HeldRole, ...]:
    """The roles that an account may use on a day, each once, in order.

    A stand-in (代理) holds the role between two dates only, and only while the person stood in for holds it: nobody
    stands in for a stand-in. A unit that is not in force gives no role. Who came to hold two of the
    three administrators' roles, by whatever way, may use neither. `assignments` hold those of the others too.
    """
    held = {a for a in assignments if _holds(a, assignments, on)}
    found = {role for a in held if a.account == account if (role := _in_unit(a, units, on)) is not None}
    apart = together(role.role for role in found)
    return tuple(sorted(role for role in found if role.role not in apart))


def check_together(roles: Iterable[str]) -> FieldError | None:
    """What is wrong with one account holding these roles, today or on any other day: two of the three administrators
    (三员分立) are two people."""
    wrong = together(roles)
    if not wrong:
        return None
    named = "、".join(sorted(wrong))
    return FieldError(
        "/roles", "ADMINISTRATORS_APART", f"三员须由不同的人担任:{named} / these must be different people: {named}"
    )


def _holds(a: Assignment, everybody: Iterable[Assignment], on: date) -> bool:
    if not in_force(a.valid_from, a.valid_to, on):
        return False
    if a.stand_in_for is None:
        return True
    if a.valid_from is None or a.valid_to is None:
        return False
    return any(
        (o.account, o.role, o.unit, o.stand_in_for) == (a.stand_in_for, a.role, a.unit, None)
        and in_force(o.valid_from, o.valid_to, on)
        for o in everybody
    )


def _in_unit(a: Assignment, units: Mapping[str, UnitFacts], on: date) -> HeldRole | None:
    if a.unit is None:
        return HeldRole(a.role, "", "")
    unit = units.get(a.unit)
    if unit is None or not in_force(unit.valid_from, unit.valid_to, on):
        return None
    return HeldRole(a.role, a.unit, unit.region)
