"""Tolerance and commitment (容缺, 告知承诺) where they touch a decision: held until a material has come, or undone."""

from __future__ import annotations

from services.coordinator.domain.join import cancel, conclude
from services.coordinator.domain.late import result_of
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import CommitmentFound, ItemDecided, MaterialsLapsed, ReversalRequested
from shared.outcomes import ItemStatus


def hold(turn: Turn, item: CaseItem, message: ItemDecided) -> None:
    """Keeps a grant back: what was to follow has not come, so nothing is issued and nothing paid (到期不补不发证)."""
    item.held = result_of(message)
    item.told = None
    item.reviewing = False


def let_go(turn: Turn, item: CaseItem) -> None:
    """Concludes a grant that was held, once nothing lacks any more."""
    if item.held is not None and not item.lacking:
        conclude(turn, item, item.held)
        turn.settle(item, item.round, "applied")


def on_lapsed(turn: Turn, message: MaterialsLapsed) -> None:
    """What was to follow did not come, and a person ended it: the open items that lack it end."""
    for item_id in message.items:
        item = turn.item(item_id)
        if item.outcome is None and item.lacking:
            cancel(turn, item, ItemStatus.TERMINATED, message.reason_code)


def on_commitment_found(turn: Turn, message: CommitmentFound) -> None:
    """A commitment was false: what was granted on it is undone by its service, what is still open ends there."""
    for item_id in message.items:
        item = turn.item(item_id)
        if item.outcome not in (None, ItemStatus.APPROVED):
            continue
        asked = ReversalRequested(
            item_id=item.id,
            case_id=turn.case.id,
            round=item.round,
            cause="false_commitment",
            reason_code=message.reason_code,
            law=message.law,
        )
        turn.send(item, asked)
