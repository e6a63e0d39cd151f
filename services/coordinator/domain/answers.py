"""What a handler says of an item: one small function an answer. A later message implies the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.coordinator.domain.clocks import due_of
from services.coordinator.domain.disputes import on_progress
from services.coordinator.domain.join import conclude
from services.coordinator.domain.late import record_late, result_of
from services.coordinator.domain.rework import reopen, send_on
from services.coordinator.domain.state import CaseItem, Pause
from services.coordinator.domain.stuck import heard
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.withdrawal import on_withdrawal_answer
from shared.catalog.protocol import (
    CheckPassed,
    CorrectionRequested,
    Due,
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


def answer(turn: Turn, message: Up) -> None:
    """Applies an answer in its round; what is final or of another round is recorded as late."""
    item = turn.item(message.item_id)
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
    _pass(item)


def _pass(item: CaseItem) -> None:
    item.checked = True
    item.findings = ()
    item.findings_at = None


def _correction_requested(turn: Turn, item: CaseItem, message: CorrectionRequested) -> None:
    item.findings = message.findings
    item.findings_at = turn.said_at()


def _accepted(turn: Turn, item: CaseItem, message: ItemAccepted) -> None:
    _accept(turn, item, message.accepted_at)


def _accept(turn: Turn, item: CaseItem, at: datetime) -> None:
    """Accepted 受理: the handling clock starts, or starts with the release if that comes later."""
    _pass(item)
    item.accepted_at = at
    if not item.extended:
        item.due = due_of(item, turn.calendar)


def _implied(turn: Turn, item: CaseItem, at: datetime) -> None:
    if item.accepted_at is None:
        _accept(turn, item, at)


def _progressed(turn: Turn, item: CaseItem, message: ItemProgressed) -> None:
    item.stage, item.stage_name = message.stage, message.stage_name
    item.told = message.waiting_on
    item.reviewing = message.reviewing
    if message.reviewing:
        _implied(turn, item, turn.said_at())


def _paused(turn: Turn, item: CaseItem, message: ItemPaused) -> None:
    item.pause = Pause(ground=message.ground, since=turn.said_at(), until=message.until)


def _resumed(turn: Turn, item: CaseItem, message: ItemResumed) -> None:
    item.pause = None


def _extended(turn: Turn, item: CaseItem, message: ItemExtended) -> None:
    """Once, and only to a later day; the promise moves, the law's date only where it is passed."""
    promise = item.due.promised or item.due.legal
    if item.extended or (promise is not None and message.to <= promise):
        record_late(turn, item, message)
        return
    item.extended = True
    legal = item.due.legal and max(item.due.legal, message.to)
    item.due = Due(promised=message.to, legal=legal, provisional=item.due.provisional)


def _decided(turn: Turn, item: CaseItem, message: ItemDecided) -> None:
    _implied(turn, item, message.decided_at)
    item.acted += [account for account in message.acted if account not in item.acted]
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
    ItemNotAccepted: _applied,
    ItemProgressed: _progressed,
    ItemPaused: _paused,
    ItemResumed: _resumed,
    ItemExtended: _extended,
    ItemDecided: _decided,
    ItemEnded: _applied,
    ItemReturned: send_on,
    WithdrawalAnswered: on_withdrawal_answer,
}
