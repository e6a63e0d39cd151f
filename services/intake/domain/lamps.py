"""Clocks as they are read now: when an item must end, and how near that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.model import must_correct
from shared.catalog.halls import counts_from
from shared.catalog.protocol import Due, Limit
from shared.clock import beijing_date
from shared.handling import limits
from shared.handling.path import NOTHING_DECIDED, Leg, whole_due
from shared.outcomes import FINAL_ITEM, ItemStatus, Lamp, Nature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from services.intake.domain.model import Application
    from shared.calendar import WorkingCalendar
    from shared.catalog.protocol import ItemView
    from shared.catalog.registry import Catalog

_WORSE = [Lamp.GREY, Lamp.GREEN, Lamp.YELLOW, Lamp.RED, Lamp.LEGAL_RED]
_EXAMINATION = Limit(n=5, unit="working")
_CHECKING = frozenset({ItemStatus.WAITING, ItemStatus.REQUESTED, ItemStatus.CORRECTING, ItemStatus.RETURNED})


def item_lamp(item: ItemView, region: str, catalog: Catalog, now: datetime, calendar: WorkingCalendar) -> Lamp:
    """The lamp of one item: grey while the applicant must act or a pause runs, once it is over whether it was in time."""
    matter = catalog.matters.get(item.matter)
    promised, legal = (matter.promised, matter.legal) if matter is not None else (None, None)
    return limits.item_lamp(item, promised, legal, now, calendar, region)


def clock(application: Application, catalog: Catalog, now: datetime, calendar: WorkingCalendar) -> dict[str, Any]:
    """`{examination: {due, lamp}, handling: {promised, legal, provisional, lamp} | null, whole: {promised, legal, provisional}
    | null}` of the whole application."""
    return {
        "examination": _examination(application, catalog, now, calendar),
        "handling": _handling(application, catalog, now, calendar),
        "whole": _whole(application, catalog, calendar),
    }


def _examination(a: Application, catalog: Catalog, now: datetime, calendar: WorkingCalendar) -> dict[str, Any]:
    start = counts_from(a.received_at, a.channel, a.accept_region, calendar)
    known = [m.examination for i in a.items if (m := catalog.matters.get(i.matter)) is not None]
    due = limits.examination_due(start, known or [_EXAMINATION], calendar)
    assert due is not None  # noqa: S101 - there is a limit
    return {"due": due.date.isoformat(), "lamp": _examined(a, due.date, now, calendar).value}


def _examined(a: Application, due: date, now: datetime, calendar: WorkingCalendar) -> Lamp:
    open_items = [i for i in a.items if i.status in _CHECKING]
    if not open_items:
        return Lamp.GREEN
    if all(must_correct(i) for i in open_items):
        return Lamp.GREY
    return limits.lamp(Due(promised=due), _EXAMINATION.n, beijing_date(now), calendar, region=a.accept_region)


def _handling(a: Application, catalog: Catalog, now: datetime, calendar: WorkingCalendar) -> dict[str, Any] | None:
    running = [i for i in a.items if i.due.promised or i.due.legal]
    if not running:
        return None
    lamps = [item_lamp(i, a.accept_region, catalog, now, calendar) for i in running if i.status not in FINAL_ITEM]
    return {
        "promised": iso(latest(i.due.promised for i in running)),
        "legal": iso(latest(i.due.legal for i in running)),
        "provisional": any(i.due.provisional for i in running),
        "lamp": max(lamps, key=_WORSE.index, default=Lamp.GREEN).value,
    }


def _whole(a: Application, catalog: Catalog, calendar: WorkingCalendar) -> dict[str, Any] | None:
    """When all of it is to end (全案), along the longest way through its items; what is not accepted yet is taken to be on
    the last day of its examination."""
    start, ids = (
        counts_from(a.received_at, a.channel, a.accept_region, calendar),
        {i.matter: i.item_id for i in a.items},
    )
    due = whole_due({i.item_id: _leg(i, catalog, start, ids, calendar) for i in a.items}, calendar)
    if due is None:
        return None
    return {"promised": iso(due.promised), "legal": iso(due.legal), "provisional": due.provisional}


def _leg(i: ItemView, catalog: Catalog, start: date, ids: Mapping[str, UUID], calendar: WorkingCalendar) -> Leg[UUID]:
    matter = catalog.matters.get(i.matter)
    runs = i.due.promised is not None or i.due.legal is not None
    if i.status in FINAL_ITEM:
        decided = i.result.decided_at if i.result is not None else None
        due = Due() if i.status in NOTHING_DECIDED else i.due
        return Leg(start, due=due, ended=beijing_date(decided) if decided is not None else start)
    if matter is None:
        return Leg(start, due=i.due)
    if i.nature is Nature.ON_APPLICATION and i.accepted_at is None:
        start = calendar.due(start, matter.examination.n, matter.examination.unit).date
    return Leg(
        max(start, beijing_date(i.accepted_at)) if i.accepted_at is not None else start,
        after=tuple(ids[a.matter] for a in matter.after if a.matter in ids),
        promised=matter.promised,
        legal=matter.legal,
        due=i.due,
        sure=runs and not limits.stopped(i),
    )


def whole_lamp(a: Application, catalog: Catalog, now: datetime, calendar: WorkingCalendar) -> Lamp:
    """The lamp of the whole: of the handling clock once it runs, before that of the examination."""
    read = _handling(a, catalog, now, calendar) or _examination(a, catalog, now, calendar)
    return Lamp(read["lamp"])


def latest(days: Iterable[date | None]) -> date | None:
    """The last of these days, None if there is none."""
    return max((d for d in days if d is not None), default=None)


def iso(day: date | None) -> str | None:
    """A legal date as `YYYY-MM-DD`."""
    return None if day is None else day.isoformat()
