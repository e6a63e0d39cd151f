"""What time does to a case: one timer stands for the next moment at which anything about its clocks happens.

It is moved only forward: a later moment is found when the earlier one has come. Nothing is approved because time ran
out; people are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from services.coordinator.domain.clocks import days_of_signs, examination_of, gathered_by, redate
from services.coordinator.domain.correction import name_silent, silent, told_by
from services.coordinator.domain.join import cancel, ready
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.tasks import (
    DEEMED_ACCEPTED,
    EXAMINATION_OVER,
    NOT_ANSWERED,
    OVERDUE,
    OVERDUE_BY_LAW,
    PAUSE_OVER,
    open_task,
)
from services.coordinator.domain.turn import Turn
from shared.changes import CancelTimer, SetTimer
from shared.clock import beijing_date
from shared.handling.limits import after, start_of
from shared.outcomes import ItemStatus, Nature, WaitKind

TIMER: Final = "clocks"
NOT_CORRECTED: Final = "CORRECTION_NOT_ANSWERED"
NOT_DELIVERED: Final = "CORRECTION_NOT_DELIVERED"

Sign = tuple[str, date]
"""What is to be said of an item, and from which day on."""


def arm(turn: Turn) -> None:
    """Sets the timer where a date has moved, takes it away with the last obligation."""
    case = turn.case
    if not any(True for _ in case.open_items()):
        if case.wake_at is not None:
            case.wake_at = None
            turn.timers.append(CancelTimer(TIMER))
        return
    if not turn.dates_moved:
        return
    at = _next(turn)
    if at is not None and (case.wake_at is None or at < case.wake_at):
        case.wake_at = at
        turn.timers.append(SetTimer(TIMER, at))


def on_clock(turn: Turn) -> None:
    """The moment has come: says of every item what is to be said by now, each thing once."""
    turn.case.wake_at = None
    turn.dates_moved = True
    today = beijing_date(turn.now)
    if any(silent(turn.case)) and today >= gathered_by(turn.case, turn.calendar):
        name_silent(turn)
    for item in list(turn.case.open_items()):
        for sign, day in list(_signs(turn, item)):
            if item.outcome is None and day <= today:
                item.signs[sign] = today
                _SAID[sign](turn, item, day)


def _next(turn: Turn) -> datetime | None:
    days = [day for item in turn.case.open_items() for _, day in _signs(turn, item)]
    if _gathers(turn.case):
        days.append(gathered_by(turn.case, turn.calendar))
    return start_of(min(days)) if days else None


def _gathers(case: Case) -> bool:
    """Whether a paper, or the naming of who is silent, still waits for its last day."""
    if any(item.signs.get("silent") is None for item in silent(case)):
        return True
    found = (i.found for i in case.open_items() if i.withdrawal is None)
    return any(f is not None and not f.held for f in found)


def _signs(turn: Turn, item: CaseItem) -> Iterator[Sign]:
    """What is still to be said of an item as it stands, and when."""
    given = item.signs
    if item.withdrawal is not None or item.held is not None:  # decided: what follows is the applicant's to bring
        return
    if _unanswered(item) and "examination" not in given:
        yield "examination", after(examination_of(turn.case, item, turn.calendar))
    if item.pause is not None:
        if item.pause.until is not None and "pause_over" not in given:
            yield "pause_over", after(item.pause.until)
    elif item.findings:
        if item.answer_by is not None and given.get("not_answered") != item.answer_by:
            yield "not_answered", after(item.answer_by)
    elif item.told is None or item.told.kind is not WaitKind.APPLICANT:
        yield from (
            sign for sign in days_of_signs(item, turn.calendar, turn.case.accept_region) if sign[0] not in given
        )


def _unanswered(item: CaseItem) -> bool:
    """Whether the examination clock of an application runs: neither accepted nor told what is missing."""
    return item.nature is Nature.ON_APPLICATION and item.accepted_at is None and not item.told_keys


# --- what is said -----------------------------------------------------------------------------------------------------


def _examination(turn: Turn, item: CaseItem, day: date) -> None:
    """Nobody answered in time. Under the licensing law the item is accepted as of receiving (行政许可法第三十二条(四)),
    never approved; for others a supervisor is told, where policy says so."""
    if item.lapses:
        _deem(turn, item, day)
        return
    told = turn.ctx.policy.find("examination.over", turn.case.accept_region, turn.now).value
    if told == "tell":
        open_task(turn, EXAMINATION_OVER, "supervisor", item, "NOT_EXAMINED_IN_TIME", since=day.isoformat())


def _deem(turn: Turn, item: CaseItem, day: date) -> None:
    item.deemed = True
    item.accepted_at = turn.case.received_at
    redate(turn, item)
    open_task(turn, DEEMED_ACCEPTED, "supervisor", item, "NOT_EXAMINED_IN_TIME", since=day.isoformat())
    if not item.blocked and not item.returned:
        turn.send(item, ready(turn.case, item))


def _yellow(turn: Turn, item: CaseItem, day: date) -> None:
    """A reminder: it stands in the case's graph, and the lamp shows it everywhere."""


def _red(turn: Turn, item: CaseItem, day: date) -> None:
    open_task(turn, OVERDUE, "supervisor", item, "PROMISE_PASSED", since=day.isoformat())


def _legal_red(turn: Turn, item: CaseItem, day: date) -> None:
    """One level up, naming who was told of the broken promise and since when it is broken."""
    told = [t for t in turn.case.tasks if t.kind == OVERDUE and t.data["item_id"] == str(item.id)]
    told_data: dict[str, Any] = {"told": {"unit": told[-1].unit, "since": told[-1].data["since"]}} if told else {}
    unit = next((code for code in turn.ctx.units.chain(item.unit) if code != item.unit), item.unit)
    open_task(turn, OVERDUE_BY_LAW, "supervisor", item, "LAW_PASSED", unit=unit, since=day.isoformat(), **told_data)


def _pause_over(turn: Turn, item: CaseItem, day: date) -> None:
    ground = item.pause.ground if item.pause is not None else ""
    open_task(turn, PAUSE_OVER, "supervisor", item, "PAUSE_OVERDUE", ground=ground, since=day.isoformat())


def _not_answered(turn: Turn, item: CaseItem, day: date) -> None:
    """The applicant did not answer the paper: by policy the item ends and may be handed in again, or a person looks.

    What runs by law does not end because a citizen is silent, and nobody is silent who was never told: as long as no
    delivery of the paper is recorded a person looks, and once one is, the days run from it.
    """
    assert item.answer_by is not None  # noqa: S101 - only then this is said
    item.signs["not_answered"] = item.answer_by
    told = told_by(turn.case, item)
    if told is not None and not told.delivered:
        open_task(turn, NOT_ANSWERED, "supervisor", item, NOT_DELIVERED, since=day.isoformat())
        return
    what = turn.ctx.policy.find("correction.not_answered", turn.case.accept_region, turn.now).value
    if what == "terminate" and item.nature is Nature.ON_APPLICATION:
        cancel(turn, item, ItemStatus.TERMINATED, NOT_CORRECTED)
    else:
        open_task(turn, NOT_ANSWERED, "supervisor", item, NOT_CORRECTED, since=day.isoformat())


_SAID: Final[Mapping[str, Callable[[Turn, CaseItem, date], None]]] = {
    "examination": _examination,
    "yellow": _yellow,
    "red": _red,
    "legal_red": _legal_red,
    "pause_over": _pause_over,
    "not_answered": _not_answered,
}
