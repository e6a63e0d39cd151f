"""Pause, resume, extend: what a handler says of an item's clock, kept to what its matter and the law allow."""

from __future__ import annotations

from datetime import date

from services.coordinator.domain.clocks import redate
from services.coordinator.domain.late import record_late
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.tasks import PAUSE_OVER, close_moot
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import Extension, ItemExtended, ItemPaused, ItemResumed, Pause
from shared.clock import beijing_date
from shared.handling import extension


def paused(turn: Turn, item: CaseItem, message: ItemPaused) -> None:
    """The clock stands on a listed ground until about a day, one pause at a time; anything else is recorded."""
    refused = _refused(item, message, beijing_date(turn.said_at()))
    if refused is not None:
        record_late(turn, item, message, refused)
        return
    item.pause = Pause(ground=message.ground, since=turn.said_at(), until=message.until, by=message.by)
    turn.dates_moved = True


def _refused(item: CaseItem, message: ItemPaused, today: date) -> str | None:
    if item.accepted_at is None:
        return "NO_CLOCK_RUNS"
    if item.pause is not None:
        return "ALREADY_PAUSED"
    if message.ground not in item.grounds:
        return "PAUSE_GROUND_NOT_LISTED"
    return "PAUSE_WITHOUT_END" if message.until is None or message.until <= today else None


def resumed(turn: Turn, item: CaseItem, message: ItemResumed) -> None:
    """The clock runs again, and both its dates move by the days that did not count."""
    if item.pause is None or item.pause.ground != message.ground:
        record_late(turn, item, message, "NOT_PAUSED")
        return
    end_pause(turn, item, beijing_date(turn.said_at()), message.by)


def end_pause(turn: Turn, item: CaseItem, on: date, by: str | None = None) -> None:
    """What paused the item is over on this day, which counts again; `by` is the account that said so."""
    if item.pause is None:
        return
    item.pauses.append((beijing_date(item.pause.since), on))
    item.pause = None
    item.note_handled(resumed_by=by)
    item.signs.pop("pause_over", None)
    close_moot(turn, item, PAUSE_OVER)
    redate(turn, item)
    turn.dates_moved = True


def extended(turn: Turn, item: CaseItem, message: ItemExtended) -> None:
    """Once, before the promise is over, in a leader's name, within what the law allows; anything else is recorded."""
    refused = _not_extended(turn, item, message)
    if refused is not None:
        record_late(turn, item, message, refused)
        return
    unit = item.promised or item.legal
    promise = item.due.promised or item.due.legal
    assert unit is not None  # noqa: S101 - `refusal` has seen both
    assert promise is not None  # noqa: S101
    item.extension = Extension(to=message.to, approved_by=message.approved_by, reason_code=message.reason_code)
    item.extra = turn.calendar.days_between(promise, message.to, unit.unit)
    redate(turn, item)


def _not_extended(turn: Turn, item: CaseItem, message: ItemExtended) -> str | None:
    today = beijing_date(turn.said_at())
    unit = item.legal or item.promised
    if unit is None or item.accepted_at is None:
        return "NO_CLOCK_RUNS"
    if not message.approved_by:
        return "NOBODY_APPROVED"
    region = turn.case.accept_region
    days = extension.allowed(licence=item.lapses, legal=item.legal, region=region, on=today).days
    return extension.refusal(item.due, item.extension, message.to, today, unit, days, turn.calendar)
