"""An item that was sent out and of which nothing was heard: an operator is asked, once; and a case nobody moves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.coordinator.domain.join import is_free
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.tasks import STUCK, close_moot, open_task, tasks_of
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.view import doubt_of
from shared.catalog.protocol import WaitingOn
from shared.outcomes import WaitKind


def note_stuck(turn: Turn, before: datetime, idle: Collection[str]) -> None:
    """Opens an operator's task for each item asked before that moment of a service that has read all it was sent.

    From then on the item visibly waits for the operator, so that it is not found again.
    """
    for item in turn.case.items.values():
        since = item.unanswered_since
        if since is not None and since <= before and item.service in idle:
            open_task(turn, STUCK, "operator", item, "NO_ANSWER")
            (task,) = tasks_of(turn, item, STUCK)
            item.unanswered_since = None
            item.told = WaitingOn(kind=WaitKind.OPERATOR, name=STUCK, since=since, until=task.due)


def heard(turn: Turn, item: CaseItem) -> None:
    """Its handler said something: nobody need look for it any more."""
    item.unanswered_since = None
    if item.told is not None and item.told.kind is WaitKind.OPERATOR:
        item.told = None
        close_moot(turn, item, STUCK)


def why_idle(case: Case) -> str | None:
    """Why a case without timer or task would never move, if so: its handlers said nothing of what they wait for."""
    for item in case.open_items():
        held = item.found is not None or item.pause is not None or item.held is not None
        if item.withdrawal is not None or item.findings or held:
            continue
        if doubt_of(case, item) is not None:
            continue
        if item.blocked and is_free(case, item):
            return "NOT_RELEASED"
        if not item.blocked and item.told is None:
            return "IN_NOBODYS_HANDS"
    return None
