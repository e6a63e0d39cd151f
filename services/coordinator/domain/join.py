"""Joining: release what is free, end what has lost its ground, conclude what is decided."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from services.coordinator.domain.clocks import redate
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.tasks import close_moot
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import FactResult, ItemCancelled, ItemReady, PrerequisiteResult, Result
from shared.changes import CancelTimer
from shared.outcomes import ItemStatus

FACT_REFUTED = "FACT_REFUTED"
PREREQUISITE_REFUSED = "PREREQUISITE_REFUSED"
PREREQUISITE_NOT_APPLICABLE = "PREREQUISITE_NOT_APPLICABLE"
_NOT_REFUSED = frozenset({ItemStatus.APPROVED, ItemStatus.NOT_APPLICABLE})


def conclude(turn: Turn, item: CaseItem, result: Result) -> None:
    """The item is final with this result; what hangs on it follows in `advance`."""
    item.outcome = result.outcome
    item.result = result
    item.told = item.pause = item.unanswered_since = item.held = item.reversing = None
    if item.found is not None or item.findings:
        item.found = item.findings_at = item.answer_by = None
        item.findings = ()
    item.returned = item.reviewing = False
    drop_withdrawal(turn, item)
    close_moot(turn, item)
    turn.concluded[item.id] = item


def drop_withdrawal(turn: Turn, item: CaseItem) -> None:
    """Nobody waits for the handler's word on a withdrawal any more."""
    if item.withdrawal is not None:
        item.withdrawal, turn.dates_moved = None, True
        turn.timers.append(CancelTimer(withdrawal_timer(item)))


def withdrawal_timer(item: CaseItem) -> str:
    """The name of the time-out of one item's withdrawal, one a round."""
    return f"withdrawal:{item.id}:{item.round}"


def end_item(turn: Turn, item: CaseItem, outcome: ItemStatus, reason_code: str) -> None:
    """Ends an item without a decision of its handler."""
    conclude(turn, item, Result(outcome=outcome, reason_code=reason_code, law="", decided_at=turn.now))


def advance(turn: Turn) -> None:
    """Moves everything that the last change set free or brought down, until nothing moves."""
    while any(_advance(turn, item) for item in list(turn.case.open_items())):
        pass


def _advance(turn: Turn, item: CaseItem) -> bool:
    # One that the applicant is withdrawing ends by the handler's answer (or the time-out), not as terminated.
    if item.withdrawal is not None or item.returned:
        return False
    reason = downfall(turn.case, item)
    if reason is not None:
        cancel(turn, item, ItemStatus.TERMINATED, reason)
        return True
    if item.blocked and is_free(turn.case, item):
        release(turn, item)
    return False


def downfall(case: Case, item: CaseItem) -> str | None:
    """Why the item cannot go on: a refuted fact, or a hard prerequisite that ended otherwise than approved.

    A hard prerequisite that proved not applicable ends its dependants too, with a reason of its own: what they would
    rest on does not exist.
    """
    if any(case.facts[name].refuted for name in item.facts):
        return FACT_REFUTED
    ends = {case.items[p.item_id].outcome for p in item.prerequisites if p.hard} - {None, ItemStatus.APPROVED}
    if not ends:
        return None
    return PREREQUISITE_NOT_APPLICABLE if ends == {ItemStatus.NOT_APPLICABLE} else PREREQUISITE_REFUSED


def is_free(case: Case, item: CaseItem) -> bool:
    """Whether all that comes before the item is final and all its facts are confirmed."""
    return all(case.items[p.item_id].outcome is not None for p in item.prerequisites) and all(
        case.facts[name].confirmed for name in item.facts
    )


def cancel(turn: Turn, item: CaseItem, outcome: ItemStatus, reason_code: str) -> None:
    """Ends an item and tells its handler so."""
    cause: Literal["withdrawn", "terminated"] = "withdrawn" if outcome is ItemStatus.WITHDRAWN else "terminated"
    message = ItemCancelled(
        item_id=item.id, case_id=turn.case.id, round=item.round, cause=cause, reason_code=reason_code
    )
    turn.send(item, message)
    end_item(turn, item, outcome, reason_code)


def release(turn: Turn, item: CaseItem) -> None:
    """Lets the item be decided, with all that it waited for; once a round."""
    item.ready_round = item.round
    item.released_at = _released_at(turn, item)
    redate(turn, item)
    item.to_person = item.to_person or turn.case.disputed or _softly_refused(turn.case, item)
    turn.send(item, ready(turn.case, item))


def _released_at(turn: Turn, item: CaseItem) -> datetime:
    results = [turn.case.items[p.item_id].result for p in item.prerequisites]
    decided = [r.decided_at or turn.now for r in results if r is not None]
    return max([*decided, *(turn.case.facts[name].since for name in item.facts)], default=turn.case.received_at)


def _softly_refused(case: Case, item: CaseItem) -> bool:
    return any(case.items[p.item_id].outcome not in _NOT_REFUSED for p in item.prerequisites if not p.hard)


def ready(case: Case, item: CaseItem) -> ItemReady:
    """What an item is given to be decided: results of what came before, facts, acceptance and due dates.

    A contradicted fact of the case is told to those who do not wait for it too, so that a person knows why.
    """
    facts = [f for f in case.facts.values() if f.name in item.facts or f.disputed]
    return ItemReady(
        item_id=item.id,
        case_id=case.id,
        round=item.round,
        results=tuple(_result(case.items[p.item_id], hard=p.hard) for p in item.prerequisites),
        facts=tuple(
            FactResult(fact=f.name, status=f.status, source=f.source, occurred_on=f.occurred_on, evidence=f.evidence)
            for f in facts
            if f.status is not None
        ),
        accepted_at=item.accepted_at,
        due=item.due,
        to_person=item.to_person,
    )


def _result(item: CaseItem, *, hard: bool) -> PrerequisiteResult:
    assert item.outcome is not None  # noqa: S101 - `is_free` has seen it
    public = item.result.public if item.result is not None else {}
    return PrerequisiteResult(matter=item.matter, outcome=item.outcome, public=public, hard=hard)
