"""Withdrawal, whole or by items: the handler is asked, for it may have decided already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from services.coordinator.domain.join import cancel, drop_withdrawal, end_item, withdrawal_timer
from services.coordinator.domain.late import record_late
from services.coordinator.domain.state import CaseItem, Withdrawal
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import WithdrawalAnswered, WithdrawalRequested, WithdrawalSubmitted
from shared.changes import SetTimer, Timer
from shared.outcomes import ItemStatus, Nature


def withdraw(turn: Turn, message: WithdrawalSubmitted) -> None:
    """Asks for every open item on application that is named (all of them if none is).

    Items ex officio and notifications run on facts and stay; so does what is final.
    """
    for item in _withdrawable(turn, message.items):
        if item.returned:
            end_item(turn, item, ItemStatus.WITHDRAWN, message.reason_code)
        elif item.withdrawal is None:
            _ask(turn, item, message.reason_code)


def _withdrawable(turn: Turn, named: Iterable[UUID] | None) -> list[CaseItem]:
    items = list(turn.case.items.values()) if named is None else [turn.item(item_id) for item_id in named]
    return [item for item in items if item.outcome is None and item.nature is Nature.ON_APPLICATION]


def _ask(turn: Turn, item: CaseItem, reason_code: str) -> None:
    hours = turn.ctx.policy.find("withdrawal.answer_hours", turn.case.accept_region, turn.now).value
    until = turn.now + timedelta(hours=hours)
    item.withdrawal = Withdrawal(reason_code=reason_code, asked_at=turn.now, until=until)
    turn.timers.append(SetTimer(withdrawal_timer(item), until, {"item_id": str(item.id), "round": item.round}))
    asked = WithdrawalRequested(item_id=item.id, case_id=turn.case.id, round=item.round, reason_code=reason_code)
    turn.send(item, asked)


def on_withdrawal_answer(turn: Turn, item: CaseItem, message: WithdrawalAnswered) -> None:
    """`agreed` is the end of the item; `already_decided` lets the decision stand, whenever it comes."""
    if item.withdrawal is None:
        record_late(turn, item, message)
    elif message.answer == "agreed":
        end_item(turn, item, ItemStatus.WITHDRAWN, item.withdrawal.reason_code)
    else:
        drop_withdrawal(turn, item)


def on_no_answer(turn: Turn, timer: Timer) -> None:
    """The handler did not answer in time: the item is over, by the applicant's will."""
    item = turn.item(UUID(timer.data["item_id"]))
    if item.outcome is None and item.withdrawal is not None and item.round == timer.data["round"]:
        cancel(turn, item, ItemStatus.WITHDRAWN, item.withdrawal.reason_code)
