"""What comes too late: after the item is final, or for a round that is over. Recorded, never applied."""

from __future__ import annotations

from typing import Any

from services.coordinator.domain.state import CaseItem, LateMessage
from services.coordinator.domain.tasks import LATE_RESULT_DONE, open_task
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import ItemCorrected, ItemDecided, ItemEnded, ItemNotAccepted, ItemRevoked, Result, Up
from shared.outcomes import ItemStatus


def result_of(message: Up) -> Result | None:
    """The result that a message brings, if it brings one."""
    match message:
        case ItemDecided():
            return Result(
                outcome=ItemStatus(message.outcome),
                reason_code=message.reason_code,
                law=message.law,
                public=message.result,
                sealed=message.sealed,
                by_rule=message.by_rule,
                decided_by=() if message.by_rule else message.acted,
                decided_at=message.decided_at,
            )
        case ItemNotAccepted():
            public = {"where_to_go": message.where_to_go} if message.where_to_go else {}
            said = {"sealed": message.sealed, "decided_by": message.acted}
            return _end(ItemStatus.NOT_ACCEPTED, message, public).model_copy(update=said)
        case ItemEnded():
            return _end(ItemStatus.TERMINATED, message, {})
        case ItemRevoked():
            return _end(ItemStatus.REVOKED, message, {})
        case ItemCorrected():
            return _end(ItemStatus.APPROVED, message, message.result)
        case _:
            return None


def _end(
    outcome: ItemStatus, message: ItemNotAccepted | ItemEnded | ItemRevoked | ItemCorrected, public: dict[str, Any]
) -> Result:
    by = (message.by,) if message.by else ()
    return Result(outcome=outcome, reason_code=message.reason_code, law=message.law, public=public, decided_by=by)


def record_late(turn: Turn, item: CaseItem, message: Up, reason_code: str = "") -> None:
    """Keeps it on the case, with why it was not applied; of a result the handler is told `late`, everyone sees it, and one done in the world
    (cremated, registered) goes to a supervisor."""
    result = result_of(message)
    turn.case.late.append(_record(turn, message, result, reason_code))
    if result is None:
        return
    turn.settle(item, message.round, "late")
    turn.late.append({"item_id": item.id, "round": message.round, "outcome": result.outcome, "result": result})
    if result.public.get("done_in_world"):
        open_task(turn, LATE_RESULT_DONE, "supervisor", item, result.reason_code, late_round=message.round)


def _record(turn: Turn, message: Up, result: Result | None, reason_code: str) -> LateMessage:
    return LateMessage(
        item_id=message.item_id,
        round=message.round,
        name=type(message).__name__,
        at=turn.now,
        outcome=result.outcome if result is not None else None,
        reason_code=result.reason_code if result is not None else reason_code,
    )
