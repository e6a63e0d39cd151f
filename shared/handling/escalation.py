"""Escalation of a task that nobody takes, so that four eyes never dead-lock: stand-in, then leader, then unit above.

A unit's attributes say whom: `stand_ins` (accounts, or accounts a role), `leader` (an account) and, if known,
`staff` (accounts a role). A stand-in may have dates (`{account, valid_from, valid_to}`): such a one is let in, and may
act, between these days only. Without a leader by name the supervisors of the place may act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.limits import working_days_from
from shared.handling.model import Task

STEP_DAYS: Final = 2
"""Working days that each of stand-in, leader and unit above has before the next is let in."""

LEADING_ROLE: Final = "supervisor"
_DEEPEST: Final = 30


def if_nobody_may(task: Task, ctx: Ctx) -> None:
    """Lets the next ones in at once when four eyes keep away everyone who holds the role in the unit."""
    if _all_barred(task, _staff(task, ctx)):
        escalate(task, ctx)


def escalate(task: Task, ctx: Ctx, days: int = STEP_DAYS) -> bool:
    """Lets the next ones in who may act, with a date; False when there is nobody further up (the date goes)."""
    for _ in range(_DEEPEST):
        task.escalation += 1
        reached = _STEPS[(task.escalation - 1) % 3](task, ctx)
        if reached is None:
            break
        if reached:
            task.escalate_on = working_days_from(ctx.now, days).date
            return True
    task.also_roles = sorted({*task.also_roles, LEADING_ROLE})
    task.escalate_on = None
    return False


def _to_stand_ins(task: Task, ctx: Ctx) -> bool:
    days = _standing_in(_of_role(_attributes(task, ctx).get("stand_ins"), task.role), beijing_date(ctx.now))
    fresh = _admit(task, days)
    task.until = {**task.until, **{a: day for a, day in days.items() if day is not None and a in task.admitted}}
    return fresh


def _standing_in(people: Iterable[Any], on: date) -> dict[str, date | None]:
    """Who stands in on this Beijing day, and until when."""
    found: dict[str, date | None] = {}
    for person in people:
        if not isinstance(person, Mapping):
            found[str(person)] = None
        elif str(person["valid_from"]) <= on.isoformat() <= str(person["valid_to"]):
            found[str(person["account"])] = date.fromisoformat(str(person["valid_to"]))
    return found


def _to_leader(task: Task, ctx: Ctx) -> bool:
    leader = _attributes(task, ctx).get("leader")
    if leader:
        return _admit(task, [str(leader)])
    task.also_roles = sorted({*task.also_roles, LEADING_ROLE})
    return True


def _to_unit_above(task: Task, ctx: Ctx) -> bool | None:
    """The region stays: the unit above covers it, and whoever was let in before still finds the task."""
    above = [code for code in ctx.units.chain(task.unit) if code != task.unit]
    if not above or ctx.units.get(above[0]) is None:
        return None
    task.unit = above[0]
    return not _all_barred(task, _staff(task, ctx))


_STEPS: Final = (_to_stand_ins, _to_leader, _to_unit_above)


def _admit(task: Task, accounts: Iterable[str]) -> bool:
    fresh = [a for a in accounts if a not in task.barred and a not in task.admitted]
    task.admitted = [*task.admitted, *fresh]
    return bool(fresh)


def _staff(task: Task, ctx: Ctx) -> list[str] | None:
    """Who holds the role in the unit, None where the unit does not say."""
    staff = _attributes(task, ctx).get("staff")
    return _listed(staff, task.role) if staff is not None else None


def _all_barred(task: Task, accounts: list[str] | None) -> bool:
    return accounts is not None and set(accounts) <= set(task.barred)


def _attributes(task: Task, ctx: Ctx) -> Mapping[str, Any]:
    unit = ctx.units.get(task.unit)
    found: Mapping[str, Any] = unit.get("attributes", {}) if unit else {}
    return found


def _listed(people: Any, role: str) -> list[str]:
    return [str(p) for p in _of_role(people, role)]


def _of_role(people: Any, role: str) -> Iterable[Any]:
    return (people.get(role, ()) if isinstance(people, Mapping) else people) or ()
