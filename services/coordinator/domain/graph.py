"""A case as the people concerned see it: the plan as a graph, each obligation, both clocks, why it waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.coordinator.domain.clocks import EXAMINATION, examination_of, legal_calendar
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.view import case_view
from shared.catalog.protocol import CaseView, Due, ItemView
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.limits import examination_due, item_lamp, lamp, stopped
from shared.handling.path import NOTHING_DECIDED, Leg, whole_due
from shared.outcomes import FINAL_ITEM, Nature

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar


def case_graph(case: Case, ctx: Ctx, calendar: WorkingCalendar | None = None) -> dict[str, Any]:
    """The public state with plan, obligations, facts and clocks; every lamp is computed now."""
    view, table = case_view(case), calendar or legal_calendar()
    return {
        **view.model_dump(mode="json", exclude={"items"}),
        "version": case.version,
        "openings": case.openings,
        "clock": _clocks(case, view, ctx, table),
        "items": [_item(case, case.items[i.item_id], i, ctx.now, table) for i in view.items],
        "edges": list(_edges(case)),
        "facts": [fact.model_dump(mode="json") for fact in case.facts.values()],
        "obligations": [str(item.id) for item in case.open_items()],
        "papers": [paper.model_dump(mode="json") for paper in case.papers],
        "late": [late.model_dump(mode="json") for late in case.late],
    }


def _item(case: Case, item: CaseItem, view: ItemView, now: datetime, calendar: WorkingCalendar) -> dict[str, Any]:
    return {
        **view.model_dump(mode="json", exclude={"item_id": True, "result": True, "handled": {"names"}}),
        "id": str(item.id),
        "result": view.result and view.result.model_dump(mode="json", exclude={"sealed"}),
        "lamp": item_lamp(view, item.promised, item.legal, now, calendar, case.accept_region),
        "ready": not item.blocked,
        "to_person": item.to_person,
        "check": _check(item),
        "deemed_accepted": item.deemed,
        "signs": {name: day.isoformat() for name, day in item.signs.items()},
        "withdrawal": item.withdrawal and item.withdrawal.model_dump(mode="json"),
    }


def _check(item: CaseItem) -> str:
    if item.findings or item.found is not None:
        return "findings"
    return "passed" if item.checked else "open"


def _edges(case: Case) -> Iterator[dict[str, Any]]:
    for item in case.items.values():
        for before in item.prerequisites:
            yield {"from": str(before.item_id), "to": str(item.id), "hard": before.hard}
        for fact in item.facts:
            yield {"from": fact, "to": str(item.id), "hard": True}


def _clocks(case: Case, view: CaseView, ctx: Ctx, calendar: WorkingCalendar) -> dict[str, Any]:
    """The examination clock from receiving, and the handling clock of the item that must end last."""
    due = examination_due(case.received_on, [i.examination or EXAMINATION for i in case.items.values()], calendar)
    assert due is not None  # noqa: S101 - a case has items
    examination = lamp(
        Due(legal=due.date),
        EXAMINATION.n,
        beijing_date(_examined(case) or ctx.now),
        calendar,
        region=case.accept_region,
    )
    return {
        "examination": {"due": due.date.isoformat(), "lamp": examination, "provisional": due.provisional},
        "handling": _handling(case, view, ctx.now, calendar),
        "whole": _whole(case, view, calendar),
    }


def _whole(case: Case, view: CaseView, calendar: WorkingCalendar) -> dict[str, Any] | None:
    """When all of it is to end (全案), along the longest way through its items."""
    due = whole_due({i.item_id: _leg(case, case.items[i.item_id], i, calendar) for i in view.items}, calendar)
    return due.model_dump(mode="json") if due is not None else None


def _leg(case: Case, item: CaseItem, view: ItemView, calendar: WorkingCalendar) -> Leg[UUID]:
    due = Due() if item.outcome in NOTHING_DECIDED else item.due
    if item.outcome is not None:
        ended = item.result.decided_at if item.result is not None else None
        return Leg(case.received_on, due=due, ended=beijing_date(ended) if ended is not None else case.received_on)
    applied = item.nature is Nature.ON_APPLICATION and item.accepted_at is None
    start = examination_of(case, item, calendar) if applied else case.received_on
    return Leg(
        max(start, beijing_date(item.accepted_at)) if item.accepted_at is not None else start,
        after=tuple(p.item_id for p in item.prerequisites),
        promised=item.promised,
        legal=item.legal,
        due=due,
        sure=item.due != Due() and not stopped(view),
    )


def _examined(case: Case) -> datetime | None:
    """When the last application in the case was accepted, told what is missing, or ended; None while one was not."""
    told = {i: paper.at for paper in reversed(case.papers) for i in paper.items}
    applied = [i for i in case.items.values() if i.nature is Nature.ON_APPLICATION]
    ends = [i.accepted_at or told.get(i.id) or (i.result.decided_at if i.result is not None else None) for i in applied]
    answered = [end for end in ends if end is not None]
    return max(answered, default=case.received_at) if len(answered) == len(ends) else None


def _handling(case: Case, view: CaseView, now: datetime, calendar: WorkingCalendar) -> dict[str, Any] | None:
    dated = [i for i in view.items if i.due.promised or i.due.legal]
    if not dated:
        return None
    last = max(dated, key=lambda i: (i.status not in FINAL_ITEM, i.due.promised or i.due.legal, str(i.item_id)))
    item = case.items[last.item_id]
    return {
        **last.due.model_dump(mode="json"),
        "lamp": item_lamp(last, item.promised, item.legal, now, calendar, case.accept_region),
    }
