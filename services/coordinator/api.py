"""Routes: a case as a graph, and the coordinator's own tasks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from services.coordinator.domain.decisions import decide_task
from services.coordinator.domain.graph import case_graph
from services.coordinator.domain.state import Case, LateMessage, Told, Withdrawal
from services.coordinator.domain.turn import Turn
from services.coordinator.handlers import take_step
from services.coordinator.store import CASE_KIND, case_task_row
from services.coordinator.tables import TASK
from shared.catalog.protocol import Doubt, Due, Extension, Finding, Pause, Supervision, Transfer, WaitingOn
from shared.changes import Changes, Ctx, Units
from shared.clock import beijing_date
from shared.handling.api import task_router
from shared.handling.board import TaskBoard
from shared.handling.intimacy import neutral, restricted
from shared.handling.reach import LOOKING
from shared.handling.tasks import TaskDecision, live_tasks, may_act
from shared.http.auth import Principal, allow
from shared.http.documented import Shown, answers
from shared.http.principal import STAFF_ROLES
from shared.http.refusals import not_found
from shared.http.versions import MinVersion, at_least
from shared.outcomes import ApplicationStatus, CaseOutcome, FactStatus, ItemStatus, Lamp, Nature
from shared.spec import ServiceHandle


class HandledShown(Shown):
    """Who handled an item, where persons did, by account."""

    accepted_by: str | None
    resumed_by: str | None


class ObligationShown(Shown):
    """One item with why it waits and what its lamp is now."""

    id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    status: ItemStatus
    stage: str
    stage_name: str
    round: int
    due: Due
    waiting_on: WaitingOn | None
    accepted_at: datetime | None
    external_no: str | None
    findings: list[Finding]
    pause: Pause | None
    extension: Extension | None
    frozen: Doubt | None
    handled: HandledShown | None
    transfer: Transfer | None
    supervision: Supervision | None
    result: dict[str, Any] | None
    lamp: Lamp
    ready: bool
    to_person: bool
    check: Literal["passed", "findings", "open"]
    deemed_accepted: bool
    signs: dict[str, date]
    withdrawal: Withdrawal | None


class EdgeShown(Shown):
    """`to` comes after `from`: an item, or a fact by its name."""

    from_: str = Field(serialization_alias="from", validation_alias="from")
    to: UUID
    hard: bool


class CaseFactShown(Shown):
    """A fact that items wait for."""

    name: str
    since: datetime
    status: FactStatus | None
    source: str
    occurred_on: date | None
    evidence: str | None
    refuted: bool
    doubts: list[Doubt]


class ExaminationShown(Shown):
    """The examination clock."""

    due: date
    lamp: Lamp
    provisional: bool


class HandlingShown(Due):
    """The handling clock of the item that must end last."""

    lamp: Lamp


class ClocksShown(Shown):
    """Both clocks, and when all of it is to end (全案)."""

    examination: ExaminationShown
    handling: HandlingShown | None
    whole: Due | None


class CaseShown(Shown):
    """A case as a graph: items are its nodes, edges what comes before what."""

    case_id: UUID
    application_no: str
    version: int
    bundle: str | None
    accept_region: str
    status: ApplicationStatus
    outcome: CaseOutcome | None
    received_at: datetime
    accepted_at: datetime | None
    closed_at: datetime | None
    openings: int
    clock: ClocksShown
    items: list[ObligationShown]
    edges: list[EdgeShown]
    facts: list[CaseFactShown]
    obligations: list[UUID]
    papers: list[Told]
    late: list[LateMessage]


RECEIVING = ("clerk", "town_clerk", "village_worker")
"""Roles that receive applications for the whole place where they are held."""


def router(handle: ServiceHandle) -> APIRouter:
    """The coordinator's routes, without their prefix."""
    routes = APIRouter(tags=["coordinator"])

    @routes.get("/cases/{case_id}", **answers(CaseShown))
    async def get_case(
        case_id: UUID, who: Annotated[Principal, Depends(allow(*STAFF_ROLES))], min_version: MinVersion = 0
    ) -> dict[str, Any]:
        """The plan as a graph, each obligation, both clocks, why it waits."""
        case: Case | None = await at_least(lambda: handle.load(CASE_KIND, case_id), min_version)
        ctx = handle.ctx(who.account)
        if case is None or not concerns(case, who, ctx.units, beijing_date(ctx.now)):
            raise not_found()
        return concealed(case_graph(case, ctx), case, who, ctx)

    routes.include_router(task_router(handle, TaskBoard(CASE_KIND, TASK, case_task_row, decide)))
    return routes


def concealed(graph: dict[str, Any], case: Case, who: Principal, ctx: Ctx) -> dict[str, Any]:
    """The graph, without what tells of an intimate matter to one outside the section that decides it."""
    closed = {
        str(i.id)
        for i in case.items.values()
        if restricted(ctx.catalog.matters.get(i.matter), i.unit, case.accept_region, who.roles, ctx.units)
    }
    if not closed:
        return graph
    items = [neutral(i) if i["id"] in closed else i for i in graph["items"]]
    late = [one for one in graph["late"] if one["item_id"] not in closed]
    return {**graph, "bundle": None, "items": items, "late": late}


def concerns(case: Case, who: Principal, units: Units, on: date | None = None) -> bool:
    """Whether the person receives for its place or one that handles a part of it, may act on one of its tasks, or works
    in a unit that handles an item
    of it or in one above."""
    places = [case.accept_region, *(str(u["region"]) for i in case.items.values() if (u := units.get(i.unit)))]
    if any(who.covers(place, *RECEIVING) for place in places):
        return True
    if any(may_act(task, who.account, who.roles, on) for task in live_tasks(case)):
        return True
    concerned = {above for item in case.items.values() for above in (item.unit, *units.chain(item.unit))}
    return any(r.role in LOOKING and r.unit in concerned for r in who.roles)


def decide(case: Case, decision: TaskDecision, ctx: Ctx) -> Changes[Case]:
    """A person's decision on one of the case's tasks, with all that follows."""

    def step(turn: Turn) -> None:
        decide_task(turn, decision)

    return take_step(case, ctx, step)
