"""A case as the people concerned see it: the plan as a graph, each obligation, both clocks, why it waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from services.coordinator.domain.clocks import LegalCalendar, days_on, lamp, legal_calendar
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.view import case_view
from shared.catalog.protocol import CaseView, Due, ItemView
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.outcomes import Lamp, WaitKind


def case_graph(case: Case, ctx: Ctx, calendar: LegalCalendar | None = None) -> dict[str, Any]:
    """The public state with plan, obligations, facts and clocks; every lamp is computed now."""
    view = case_view(case)
    return {
        **view.model_dump(mode="json", exclude={"items"}),
        "version": case.version,
        "openings": case.openings,
        "clock": _clocks(case, view, ctx, calendar or legal_calendar()),
        "items": [_item(case.items[i.item_id], i, ctx.now) for i in view.items],
        "edges": list(_edges(case)),
        "facts": [fact.model_dump(mode="json") for fact in case.facts.values()],
        "obligations": [str(item.id) for item in case.open_items()],
        "late": [late.model_dump(mode="json") for late in case.late],
    }


def _item(item: CaseItem, view: ItemView, now: datetime) -> dict[str, Any]:
    return {
        **view.model_dump(mode="json", exclude={"item_id", "result"}),
        "id": str(item.id),
        "result": view.result and view.result.model_dump(mode="json", exclude={"sealed"}),
        "lamp": item_lamp(item, view, now),
        "ready": not item.blocked,
        "to_person": item.to_person,
        "check": "passed" if item.checked else "findings" if item.findings else "open",
        "withdrawal": item.withdrawal and item.withdrawal.model_dump(mode="json"),
    }


def item_lamp(item: CaseItem, view: ItemView, now: datetime) -> Lamp:
    """Grey while the applicant must act or a pause runs, else by the handling clock; an end stops the clock."""
    stopped = item.pause is not None or (view.waiting_on is not None and view.waiting_on.kind is WaitKind.APPLICANT)
    if stopped:
        return Lamp.GREY
    ended = item.result.decided_at if item.result is not None else None
    start = max(t for t in (item.accepted_at, item.released_at, item.requested_at) if t is not None)
    return lamp(beijing_date(start), item.due, beijing_date(ended or now))


def _edges(case: Case) -> Iterator[dict[str, Any]]:
    for item in case.items.values():
        for before in item.prerequisites:
            yield {"from": str(before.item_id), "to": str(item.id), "hard": before.hard}
        for fact in item.facts:
            yield {"from": fact, "to": str(item.id), "hard": True}


def _clocks(case: Case, view: CaseView, ctx: Ctx, calendar: LegalCalendar) -> dict[str, Any]:
    """The examination clock from receiving, and the handling clock of the item that must end last."""
    days = ctx.policy.find("examination.days", case.accept_region, case.received_at).value
    due, provisional = days_on(case.received_at, days, calendar)
    accepted = [i.accepted_at for i in case.items.values()]
    done = max((a for a in accepted if a), default=None) if all(accepted) else None
    until = beijing_date(done or case.closed_at or ctx.now)
    examination = lamp(beijing_date(case.received_at), Due(legal=due), until)
    return {
        "examination": {"due": due.isoformat(), "lamp": examination, "provisional": provisional},
        "handling": _handling(case, view, ctx.now),
    }


def _handling(case: Case, view: CaseView, now: datetime) -> dict[str, Any] | None:
    dated = [i for i in view.items if i.due.promised or i.due.legal]
    if not dated:
        return None
    last = max(dated, key=lambda i: (i.due.promised or i.due.legal, str(i.item_id)))
    return {**last.due.model_dump(mode="json"), "lamp": item_lamp(case.items[last.item_id], last, now)}
