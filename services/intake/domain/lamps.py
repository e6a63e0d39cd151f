"""Clocks as they are read now: when an item must end, and how near that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.model import must_correct
from shared.catalog.protocol import Due
from shared.clock import beijing_date
from shared.handling.limits import yellow_from
from shared.outcomes import FINAL_ITEM, ItemStatus, Lamp

if TYPE_CHECKING:
    from datetime import datetime

    from services.intake.domain.model import Application
    from shared.calendar import WorkingCalendar
    from shared.catalog.protocol import ItemView, Limit
    from shared.catalog.registry import Catalog

_WORSE = [Lamp.GREY, Lamp.GREEN, Lamp.YELLOW, Lamp.RED, Lamp.LEGAL_RED]
_CHECKING = frozenset({ItemStatus.WAITING, ItemStatus.REQUESTED, ItemStatus.CORRECTING, ItemStatus.RETURNED})


def lamp_of(start: date, due: Due, today: date, calendar: WorkingCalendar) -> Lamp:
    """Red past the promise, legal red past the law, yellow when at most max(1, 20 %) of its working days are left."""
    if due.legal is not None and today > due.legal:
        return Lamp.LEGAL_RED
    limit = due.promised or due.legal
    if limit is None:
        return Lamp.GREEN
    if today > limit:
        return Lamp.RED
    whole = calendar.working_days_between(start, limit)
    left = calendar.working_days_between(today, limit)
    return Lamp.YELLOW if left <= yellow_from(whole) else Lamp.GREEN


def item_lamp(item: ItemView, received_at: datetime, today: date, calendar: WorkingCalendar) -> Lamp:
    """The lamp of one item: grey while the applicant must act or a pause runs, green once it is over."""
    if must_correct(item) or item.status is ItemStatus.PAUSED:
        return Lamp.GREY
    if item.status in FINAL_ITEM:
        return Lamp.GREEN
    return lamp_of(beijing_date(item.accepted_at or received_at), item.due, today, calendar)


def clock(application: Application, catalog: Catalog, today: date, calendar: WorkingCalendar) -> dict[str, Any]:
    """`{examination: {due, lamp}, handling: {promised, legal, provisional, lamp} | null}` of the whole application."""
    return {
        "examination": _examination(application, catalog, today, calendar),
        "handling": _handling(application, today, calendar),
    }


def _examination(a: Application, catalog: Catalog, today: date, calendar: WorkingCalendar) -> dict[str, Any]:
    start = beijing_date(a.received_at)
    limits = [m.examination for i in a.items if (m := catalog.matters.get(i.matter)) is not None]
    dates = [_end(start, limit, calendar) for limit in limits]
    due = min(dates, default=calendar.due(start, 5, "working").date)
    open_items = [i for i in a.items if i.status in _CHECKING]
    if not open_items:
        return {"due": due.isoformat(), "lamp": Lamp.GREEN.value}
    if all(must_correct(i) for i in open_items):
        return {"due": due.isoformat(), "lamp": Lamp.GREY.value}
    return {"due": due.isoformat(), "lamp": lamp_of(start, Due(promised=due), today, calendar).value}


def _end(start: date, limit: Limit, calendar: WorkingCalendar) -> date:
    return calendar.due(start, limit.n, limit.unit).date


def _handling(a: Application, today: date, calendar: WorkingCalendar) -> dict[str, Any] | None:
    running = [i for i in a.items if i.due.promised or i.due.legal]
    if not running:
        return None
    lamps = [item_lamp(i, a.received_at, today, calendar) for i in running if i.status not in FINAL_ITEM]
    return {
        "promised": iso(latest(i.due.promised for i in running)),
        "legal": iso(latest(i.due.legal for i in running)),
        "provisional": any(i.due.provisional for i in running),
        "lamp": max(lamps, key=_WORSE.index, default=Lamp.GREEN).value,
    }


def whole_lamp(a: Application, catalog: Catalog, today: date, calendar: WorkingCalendar) -> Lamp:
    """The lamp of the whole: of the handling clock once it runs, before that of the examination."""
    read = clock(a, catalog, today, calendar)
    return Lamp((read["handling"] or read["examination"])["lamp"])


def latest(days: Iterable[date | None]) -> date | None:
    """The last of these days, None if there is none."""
    return max((d for d in days if d is not None), default=None)


def iso(day: date | None) -> str | None:
    """A legal date as `YYYY-MM-DD`."""
    return None if day is None else day.isoformat()
