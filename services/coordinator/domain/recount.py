"""A new calendar (a year was published, a local day added): open dates are reckoned anew, to the citizen's advantage."""

from __future__ import annotations

from services.coordinator.domain.clocks import due_of
from services.coordinator.domain.correction import recount_answer
from services.coordinator.domain.state import Case
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import Due
from shared.handling.tasks import live_tasks, redate


def needs_recount(case: Case, version: str) -> bool:
    """Whether the case was dated with another calendar and holds an open date, or a task."""
    dated = any(i.due != Due() or i.answer_by is not None for i in case.open_items())
    return case.calendar != version and (dated or any(live_tasks(case)))


def recount(turn: Turn) -> None:
    """What binds the office takes the earlier of both dates, what binds the citizen the later."""
    for item in turn.case.open_items():
        if item.due != Due():
            item.due = _earlier(item.due, due_of(turn.case, item, turn.calendar))
        recount_answer(turn, item)
    turn.tasks += [task for task in live_tasks(turn.case) if redate(task, turn.calendar)]
    turn.case.calendar = turn.calendar.version
    turn.dates_moved = True


def _earlier(old: Due, new: Due) -> Due:
    return Due(
        promised=min((d for d in (old.promised, new.promised) if d is not None), default=None),
        legal=min((d for d in (old.legal, new.legal) if d is not None), default=None),
        provisional=new.provisional,
    )
