"""What a handler says of an item: one small function an answer. A later message implies the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.coordinator.domain.clocks import redate
from services.coordinator.domain.correction import find, nothing_found
from services.coordinator.domain.disputes import on_progress
from services.coordinator.domain.join import conclude
from services.coordinator.domain.late import record_late, result_of
from services.coordinator.domain.rework import assign, reopen, send_on
from services.coordinator.domain.standing import extended, paused, resumed
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.stuck import heard
from services.coordinator.domain.tolerance import hold
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.withdrawal import on_withdrawal_answer
from shared.catalog.protocol import (
    CheckPassed,
    CorrectionRequested,
    ItemAccepted,
    ItemCorrected,
    ItemDecided,
    ItemEnded,
    ItemExtended,
    ItemNotAccepted,
    ItemPaused,
    ItemProgressed,
    ItemResumed,
    ItemReturned,
    ItemRevoked,
    Up,
    WithdrawalAnswered,
)
from shared.errors import Poison
from shared.outcomes import Decision, WaitKind


def answer(turn: Turn, message: Up) -> None:
    """Applies an answer in its round; what is final or of another round is recorded as late."""
    item = turn.item(message.item_id)
    if message.names is not None:
        item.note_handled(names=message.names)
    if isinstance(message, ItemCorrected | ItemRevoked):
        reopen(turn, item, message)
    elif message.round > item.round:
        raise Poison(f"子件 {item.id} 没有第 {message.round} 轮", f"item {item.id} has no round {message.round}")
    elif item.reversing is not None and isinstance(message, ItemProgressed) and message.round == item.round:
        on_progress(turn, item, message)
    elif item.outcome is not None or item.returned or message.round < item.round:
        record_late(turn, item, message)
    elif item.blocked and isinstance(message, ItemDecided):
        raise Poison(
            f"子件 {item.id} 的前置事项或事实未齐,不能决定",
            f"item {item.id} was decided before it was released: its prerequisites or facts are open",
        )
    else:
        heard(turn, item)
        _ANSWERS[type(message)](turn, item, message)


def _check_passed(turn: Turn, item: CaseItem, message: CheckPassed) -> None:
    _pass(turn, item)


def _pass(turn: Turn, item: CaseItem) -> None:
    item.checked = True
    nothing_found(turn, item)


def _correction_requested(turn: Turn, item: CaseItem, message: CorrectionRequested) -> None:
    find(turn, item, message.findings, message.by)


def _accepted(turn: Turn, item: CaseItem, message: ItemAccepted) -> None:
    _accept(turn, item, message.accepted_at)
    item.note_handled(accepted_by=message.by)


def _accept(turn: Turn, item: CaseItem, at: datetime) -> None:
    """Accepted 受理: the handling clock starts, or starts with the release if that comes later.

    What the law holds accepted since its receiving stays so, whatever its handler says later.
    """
    _pass(turn, item)
    if not item.deemed:
        item.accepted_at = at
        redate(turn, item)


def _implied(turn: Turn, item: CaseItem, at: datetime) -> None:
    if item.accepted_at is None:
        _accept(turn, item, at)


def _progressed(turn: Turn, item: CaseItem, message: ItemProgressed) -> None:
    if item.told is not None and item.told.kind is WaitKind.APPLICANT:
        turn.dates_moved = True  # its clock stood while the applicant had to act
    item.stage, item.stage_name = message.stage, message.stage_name
    item.told = message.waiting_on
    item.reviewing = message.reviewing
    if message.reviewing:
        _implied(turn, item, turn.said_at())


def _not_accepted(turn: Turn, item: CaseItem, message: ItemNotAccepted) -> None:
    """Not accepted 不予受理; what the law holds accepted can no longer be, so it is handled anew."""
    if not item.deemed:
        _applied(turn, item, message)
        return
    record_late(turn, item, message)
    item.to_person = True
    assign(turn, item, item.unit, "DEEMED_ACCEPTED")


def _decided(turn: Turn, item: CaseItem, message: ItemDecided) -> None:
    _implied(turn, item, message.decided_at)
    item.acted += [account for account in message.acted if account not in item.acted]
    if message.outcome == Decision.APPROVED and item.lacking:
        hold(turn, item, message)
    else:
        _applied(turn, item, message)


def _applied(turn: Turn, item: CaseItem, message: ItemDecided | ItemNotAccepted | ItemEnded) -> None:
    result = result_of(message)
    assert result is not None  # noqa: S101 - these three bring one
    if result.decided_at is None:
        result = result.model_copy(update={"decided_at": turn.said_at()})
    conclude(turn, item, result)
    turn.settle(item, item.round, "applied")


_ANSWERS: Mapping[type[Up], Callable[[Turn, CaseItem, Any], None]] = {
    CheckPassed: _check_passed,
    CorrectionRequested: _correction_requested,
    ItemAccepted: _accepted,
    ItemNotAccepted: _not_accepted,
    ItemProgressed: _progressed,
    ItemPaused: paused,
    ItemResumed: resumed,
    ItemExtended: extended,
    ItemDecided: _decided,
    ItemEnded: _applied,
    ItemReturned: send_on,
    WithdrawalAnswered: on_withdrawal_answer,
}
