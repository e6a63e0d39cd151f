"""A service's tasks as people see them: the list, one task in detail, claim, release, decision; pure beside its SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Table

from shared.changes import Changes, Ctx, Put, State
from shared.clock import beijing_date
from shared.errors import Conflict
from shared.handling import kinship, reach, tasks
from shared.handling.intimacy import named_services, restricted
from shared.handling.limits import task_lamp
from shared.handling.masking import mask_form, mask_parties
from shared.handling.model import Item, Task
from shared.handling.run import item_task_row, task_timer
from shared.handling.sealing import open_work
from shared.handling.tables import ITEM
from shared.handling.tasks import TaskDecision
from shared.http.principal import STAFF_ROLES, Principal, RoleInUnit
from shared.http.refusals import HttpError, extended, forbidden, not_found
from shared.regions import is_region, region_level

HELPING: Final = "village_worker"
"""The role that assists: tasks that name it (a visit) are help, all others are for those who decide."""
_ENDS: Final = (2, 4, 6, 9, 12)
_SHOWN: Final = (
    *("id", "kind", "stage", "state", "matter", "application_no", "case_id", "item_id", "unit", "region"),
    *("due", "provisional", "holder", "lease_until", "role", "reason_code", "opened_at", "closed_at", "data"),
)


@dataclass(frozen=True)
class TaskBoard:
    """Whose tasks a router serves: a kind of aggregate with `.tasks`, its list, its way to decide.

    `row` gives a task's row in the list (`table`); `decide` what follows from a decision; `detail` what else one who
    looks at a task is shown (masked); `people` the references of those concerned; `roles` who may look at all.
    """

    kind: str
    table: Table
    row: Callable[[Any, Task], Mapping[str, Any]]
    decide: Callable[[Any, TaskDecision, Ctx], Changes[Any]]
    detail: Callable[[Any, Task, Ctx], Mapping[str, Any]] = lambda *_: {}
    people: Callable[[Any, Ctx], Iterable[str]] = lambda *_: ()
    roles: frozenset[str] = STAFF_ROLES

    def claim(self, state: Any, task_id: UUID, who: Principal, ctx: Ctx) -> tuple[Changes[Any], dict[str, Any]]:
        """The lease, or `Conflict` with the task as it stands; 403 for another role or by four eyes, 404 elsewhere."""
        task = self.seen(state, task_id, who, ctx)
        _refuse(task, who, ctx)
        if who.kin and kinship.keep_away(task, who, self.people(state, ctx), ctx):
            return self._kept_away(state, task)
        self._or_present(state, task, ctx, lambda: tasks.claim(state, task_id, who.account, ctx.now))
        return self._listed(state, task), {"lease": task.lease, "expires_at": task.lease_until}

    def release(self, state: Any, task_id: UUID, who: Principal, ctx: Ctx) -> tuple[Changes[Any], dict[str, Any]]:
        """The task, open again; `Conflict` when another holds it."""
        task = self.seen(state, task_id, who, ctx)
        self._or_present(state, task, ctx, lambda: tasks.release(state, task_id, who.account))
        return self._listed(state, task), self._shown(state, task, ctx, state.version + 1)

    def settle(
        self, state: Any, decision: TaskDecision, who: Principal, ctx: Ctx
    ) -> tuple[Changes[Any], dict[str, Any]]:
        """What the decision did, with the task as it is now; `Conflict` with the present state when it came too late."""
        task = self.seen(state, decision.task_id, who, ctx)
        _refuse(task, who, ctx)  # a role may have gone since the claim
        if who.kin and kinship.keep_away(task, who, self.people(state, ctx), ctx):
            return self._kept_away(state, task)
        changes = self._or_present(state, task, ctx, lambda: self.decide(state, decision, ctx))
        return changes, self._shown(state, task, ctx, changes.state.version + 1)

    def look(self, state: Any, task_id: UUID, who: Principal, ctx: Ctx) -> dict[str, Any]:
        """One task in detail."""
        task = self.seen(state, task_id, who, ctx)
        shown = self._shown(state, task, ctx, state.version)
        mine = _may_act(task, who, ctx) and who.account not in task.barred
        return {**shown, "may_act": mine, "kept_from_relatives": task.kin, **self.detail(state, task, ctx)}

    def seen(self, state: Any, task_id: UUID, who: Principal, ctx: Ctx) -> Task:
        """The task, if it is there and one of the person's roles reaches it; else 404."""
        task = tasks.find(state, task_id) if state is not None else None
        roles = [r for r in who.roles if r.role in self.roles]
        if task is None or not (_may_act(task, who, ctx) or reach.may_look(roles, task.unit, task.region, ctx)):
            raise not_found()
        if restricted(
            ctx.catalog.matters.get(self.row(state, task)["matter"] or ""), task.unit, task.region, roles, ctx.units
        ):
            raise not_found()
        return task

    def _kept_away(self, state: State, task: Task) -> tuple[Changes[Any], dict[str, Any]]:
        """Written down, with the task's next date if it went to others; the routes answer 403."""
        changes = self._listed(state, task)
        changes.timers += [timer for timer in [task_timer(task, None)] if timer]
        return changes, {"refused": kinship.REFUSED}

    def _listed(self, state: State, task: Task) -> Changes[Any]:
        return Changes(state, puts=[Put(self.table, self.row(state, task), upsert=True)])

    def _shown(self, state: Any, task: Task, ctx: Ctx, version: int) -> dict[str, Any]:
        return {**shown(self.row(state, task), ctx.service, ctx.now), "version": version}

    def _or_present(self, state: Any, task: Task, ctx: Ctx, act: Callable[[], Any]) -> Any:
        present = to_jsonable_python(self._shown(state, task, ctx, state.version))
        try:
            return act()
        except Conflict as conflict:
            raise extended(conflict, state=present["state"], present=present) from conflict


def item_board(table: Table, decide: Callable[[Item, TaskDecision, Ctx], Changes[Item]]) -> TaskBoard:
    """The board of a service that handles items: with a task its item's part is shown, masked."""
    return TaskBoard(ITEM, table, item_task_row, decide, item_detail, kinship.item_people)


def item_detail(item: Item, task: Task, ctx: Ctx) -> dict[str, Any]:
    """What a handler is shown of the item behind a task: its part masked, findings, facts, results, decisions."""
    part = open_work(item, ctx).part
    personal = {f.name for f in ctx.catalog.fields.values() if f.personal}
    return {
        "round": item.round,
        "stage_name": item.stage_name,
        "phase": item.phase,
        "parties": mask_parties(part.parties),
        "form": mask_form(part.form, personal),
        "materials": [m.model_dump(mode="json") for m in item.materials],
        "findings": [f.model_dump(mode="json") for f in item.findings],
        "facts": [f.model_dump(mode="json") for f in item.facts],
        "results": [r.model_dump(mode="json") for r in item.results],
        "answers": item.answers,
        "decisions": [d.model_dump(mode="json") for d in (*item.past, *item.decisions)],
        "notes": item.data,
    }


def shown(row: Mapping[str, Any], service: str, now: datetime) -> dict[str, Any]:
    """A row of the list as a caller sees it: a lapsed lease is open, the lamp is computed now."""
    found = {name: row[name] for name in _SHOWN}
    if row["state"] == "claimed" and (row["lease_until"] is None or row["lease_until"] <= now):
        found |= {"state": "open", "holder": None, "lease_until": None}
    day = beijing_date(row["closed_at"] or now)
    return {
        **found,
        "service": service,
        "lamp": task_lamp(beijing_date(row["opened_at"]), row["due"], day, row["region"]),
    }


def _may_act(task: Task, who: Principal, ctx: Ctx) -> bool:
    """Whether the person may take the task: let in by name, or in its role where that reaches the task."""
    helping = HELPING in (task.role, *task.also_roles)
    deciding = [r for r in who.roles if not village(r.unit, ctx) or (helping and r.role == HELPING)]
    if who.roles and not deciding:
        return False
    held = [r for r in deciding if reach.reaches(r, task.unit, task.region, ctx)]
    return tasks.may_act(task, who.account, held, beijing_date(ctx.now))


def _refuse(task: Task, who: Principal, ctx: Ctx) -> None:
    """403 for another role or place; with a word of its own for one that a village holds, which may only assist."""
    if _may_act(task, who, ctx):
        return
    wanted = (task.role, *task.also_roles)
    held = [village(r.unit, ctx) for r in who.roles]
    if any(r.role in wanted and v for r, v in zip(who.roles, held, strict=True)) or (held and all(held)):
        raise HttpError(403, "VILLAGE_ASSISTS")
    raise forbidden("ROLE_NEEDED")


def village(unit: str, ctx: Ctx) -> bool:
    """Whether this unit is a village or community, which only assists (协助), whatever role is held there."""
    row = ctx.units.get(unit)
    return row is not None and row.get("kind") == "village"


def reach_of(who: Principal, roles: Iterable[str], ctx: Ctx) -> tuple[list[str], list[str], list[str], list[str]]:
    """What the list asks of a task's row, one of: a region (`LIKE` patterns) or a unit where the person may look; a
    role, and a region beside it, in which they may act."""
    held = [r for r in who.roles if r.role in roles and is_region(r.region)]
    wide = [r for r in held if reach.carries(r.unit, ctx)]
    looking = [r for r in wide if r.role in reach.LOOKING]
    acting = [r for r in wide if r.role not in reach.LOOKING]
    units = [r.unit for r in held if r not in wide and r.role in reach.LOOKING]
    return [_prefix(r) for r in looking], units, [r.role for r in acting], [_prefix(r) for r in acting]


def inside_of(who: Principal, roles: Iterable[str], ctx: Ctx) -> tuple[list[str], list[str], list[str], list[str]]:
    """What the list asks of a task on an intimate matter: the codes of those; the person's own units; services that
    their sections name, and the region beside each (see `intimacy`)."""
    held = [r for r in who.roles if r.role in roles and is_region(r.region)]
    sections = [(service, _prefix(r)) for r in held for service in named_services(r.unit, ctx.units)]
    codes = [code for code, matter in ctx.catalog.matters.items() if matter.intimate]
    return codes, [r.unit for r in held], [s for s, _ in sections], [p for _, p in sections]


def prefixes(who: Principal, roles: Iterable[str]) -> list[str]:
    """What the region codes begin with where the person holds one of these roles; `LIKE` patterns."""
    wanted = set(roles)
    return sorted({_prefix(r) for r in who.roles if r.role in wanted and is_region(r.region)})


def _prefix(role: RoleInUnit) -> str:
    return f"{role.region[: _ENDS[region_level(role.region) - 1]]}%"
