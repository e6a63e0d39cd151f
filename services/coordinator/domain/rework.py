"""The same item once more: sent back and assigned anew, supplemented, or reopened after its end."""

from __future__ import annotations

from services.coordinator.domain.clocks import gathered_by
from services.coordinator.domain.correction import nothing_found
from services.coordinator.domain.join import conclude, end_item
from services.coordinator.domain.late import record_late, result_of
from services.coordinator.domain.plan import request
from services.coordinator.domain.standing import end_pause
from services.coordinator.domain.state import CaseItem
from services.coordinator.domain.tasks import NOWHERE_TO_SEND, open_task
from services.coordinator.domain.tolerance import let_go
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import (
    ApplicationSupplemented,
    ItemCorrected,
    ItemReturned,
    ItemRevoked,
    ItemSupplemented,
    SupplementedItem,
    Transfer,
)
from shared.clock import beijing_date
from shared.handling.limits import start_of
from shared.outcomes import ItemStatus, WaitKind

_CAN_REOPEN = frozenset({ItemStatus.APPROVED, ItemStatus.DENIED, ItemStatus.NOT_APPLICABLE, ItemStatus.NOT_ACCEPTED})


def send_on(turn: Turn, item: CaseItem, message: ItemReturned) -> None:
    """Sent to the wrong place: the unit it may belong to, else the next one above, gets it as a new round.

    A unit that sent it back is not asked again; if none is left a supervisor decides. One that the applicant is
    withdrawing is nobody's any more, and ends withdrawn.
    """
    if item.withdrawal is not None:
        end_item(turn, item, ItemStatus.WITHDRAWN, item.withdrawal.reason_code)
        return
    item.tried.append(item.unit)
    unit = _next_unit(turn, item, message.suggested_unit)
    if unit is not None:
        assign(turn, item, unit, message.reason_code, message.by)
        return
    item.returned = True
    nothing_found(turn, item)  # what it found is not for it to say
    open_task(turn, NOWHERE_TO_SEND, "supervisor", item, message.reason_code)


def _next_unit(turn: Turn, item: CaseItem, suggested: str | None) -> str | None:
    units = turn.ctx.units
    chain = [unit for unit in units.chain(item.unit) if unit not in item.tried]
    if suggested is not None and suggested not in item.tried and units.get(suggested) is not None:
        return suggested
    return chain[0] if chain else None


def assign(turn: Turn, item: CaseItem, unit: str, reason_code: str, by: str | None = None) -> None:
    """A new round with another unit; what was accepted stays accepted, what was checked is checked anew. `by` is the
    account that handed it over."""
    end_pause(turn, item, beijing_date(turn.now))
    nothing_found(turn, item)
    if unit != item.unit:
        item.transfer = Transfer(from_unit=item.unit, reason_code=reason_code, at=turn.now, by=by)
    item.unit = unit
    item.round += 1
    item.returned = item.reviewing = item.checked = False
    item.told = None
    item.stage = item.stage_name = ""
    if turn.now >= start_of(gathered_by(turn.case, turn.calendar)):
        turn.case.checks_since, turn.dates_moved = beijing_date(turn.now), True
    item.signs.pop("silent", None)
    request(turn, item, reason_code)


def supplement(turn: Turn, message: ApplicationSupplemented) -> None:
    """Hands the cured parts to the open items concerned, in the item's own round; the rest of the parts is moot."""
    turn.case.checks_since, turn.dates_moved = beijing_date(turn.said_at()), True
    for part in message.items:
        item = turn.item(part.item_id)
        if item.outcome is None:
            _supplement(turn, item, part, message.round)


def _supplement(turn: Turn, item: CaseItem, part: SupplementedItem, round_: int) -> None:
    item.sealed, item.sealed_round = part.sealed, round_
    item.materials = part.materials
    nothing_found(turn, item)
    item.checked = False
    if item.told is not None and item.told.kind is WaitKind.APPLICANT:
        item.told = None
    if item.returned:
        return
    decided = item.held is not None
    turn.send(
        item,
        ItemSupplemented(
            item_id=item.id,
            case_id=turn.case.id,
            round=item.round,
            sealed=part.sealed,
            sealed_round=round_,
            materials=part.materials,
        ),
    )
    if decided:  # its handler has nothing to answer any more
        item.unanswered_since = None
        let_go(turn, item)


def reopen(turn: Turn, item: CaseItem, message: ItemCorrected | ItemRevoked) -> None:
    """A decision that was applied is corrected or revoked: a new round of the item, concluded at once.

    `message.round` is the round of that decision; a sealed part in it is sealed for the round it opens, the next.
    If the case was closed it is open again under the same number, and closes again.
    """
    if item.held is not None and isinstance(message, ItemRevoked) and message.round == item.round:
        _drop_held(turn, item, message)
        return
    if item.outcome not in _CAN_REOPEN or message.round != item.round:
        record_late(turn, item, message)
        return
    before, result = item.result, result_of(message)
    assert before is not None and result is not None  # noqa: S101, PT018 - final by a result, and brings one
    item.round += 1
    item.ready_round = item.round
    item.outcome = None
    if turn.case.closed_at is not None:
        turn.case.closed_at = None
        turn.case.openings += 1
        turn.reopened(item, message.reason_code)
    if isinstance(message, ItemCorrected):
        result = result.model_copy(update={"outcome": before.outcome})
    conclude(turn, item, result.model_copy(update={"decided_at": turn.said_at()}))
    turn.settle(item, item.round, "applied")


def _drop_held(turn: Turn, item: CaseItem, message: ItemRevoked) -> None:
    """A grant that was held is revoked before it came into force."""
    result = result_of(message)
    assert result is not None  # noqa: S101 - a revocation brings one
    conclude(turn, item, result.model_copy(update={"decided_at": turn.said_at()}))
