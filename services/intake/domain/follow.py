"""Follows the coordinator: its whole public state replaces ours, and what changed is told in words."""

from __future__ import annotations

from collections.abc import Iterable

from services.intake.domain import objections, timeline
from services.intake.domain.messages.telling import tell_applicant
from services.intake.domain.model import Application, Holding, HoldingState
from services.intake.domain.papers.making import follow_papers
from services.intake.domain.papers.templates import internal
from services.intake.domain.telling import hold, tell
from services.intake.domain.timeline import Line
from services.intake.domain.visits import call_later, end_calls
from shared.catalog.protocol import (
    CaseClosed,
    CaseMessage,
    CaseOpened,
    CaseReopened,
    CorrectionIssued,
    ItemConcluded,
    ItemMoved,
    ItemView,
)
from shared.changes import Changes, Ctx
from shared.errors import Poison
from shared.outcomes import FINAL_ITEM, ItemStatus


def follow(state: Application | None, message: CaseMessage, ctx: Ctx) -> Changes[Application]:
    """What intake shows after one event of the coordinator; `Poison` for a case that was never received here."""
    if state is None:
        raise Poison("没有这个办件的申请", "the coordinator speaks of a case that was never received here")
    lines = list(_lines(state, message, ctx))
    papers = follow_papers(state, message, ctx.catalog)
    waited = bool(state.correcting())
    _replace(state, message)
    if state.objections:
        objections.follow(state, message)
    told = any(put.values["kind"] not in internal() for put in papers)
    puts = [*tell(state, lines, message.at), *papers, *tell_applicant(state, message, papers=told)]
    if isinstance(message, ItemConcluded) and not message.late:
        puts += hold(state, _conclude(state, message), upsert=True)
    changes = Changes(state, puts=puts)
    if isinstance(message, CorrectionIssued):
        changes.timers += call_later(state, message, ctx)
    elif waited and not state.correcting():
        end_calls(changes, ctx)
    return changes


def _replace(state: Application, message: CaseMessage) -> None:
    case = message.case
    state.status, state.outcome = case.status, case.outcome
    state.accepted_at, state.closed_at = case.accepted_at, case.closed_at
    state.items = list(case.items)
    state.withdrawing = [i.item_id for i in case.items if i.item_id in state.withdrawing and i.status not in FINAL_ITEM]


def _lines(state: Application, message: CaseMessage, ctx: Ctx) -> Iterable[Line | None]:
    match message:
        case CaseOpened():
            yield timeline.opened(message.case, ctx.catalog)
        case ItemMoved():
            new = _item(message, message.item_id)
            yield timeline.moved(state.item(message.item_id), new, ctx.catalog)
        case ItemConcluded():
            # A late result is recorded beside an outcome that stands, so the words are those of the late one.
            told = _item(message, message.item_id).model_copy(
                update={"status": message.outcome, "result": message.result}
            )
            yield timeline.concluded(told, late=message.late, catalog=ctx.catalog)
        case CaseClosed():
            yield timeline.closed(message.case)
        case CorrectionIssued():
            yield timeline.corrected(message, ctx.catalog)
        case CaseReopened():
            yield timeline.reopened(state.item(message.item_id), ctx.catalog)


def _item(message: CaseMessage, item_id: object) -> ItemView:
    found = next((i for i in message.case.items if i.item_id == item_id), None)
    if found is None:
        raise Poison("事件所说的子件不在办件中", "the event names an item that its case does not hold")
    return found


def _conclude(state: Application, message: ItemConcluded) -> list[Holding]:
    """Sets what this item held to granted, or free; answers the holdings that changed."""
    now: HoldingState = "granted" if message.outcome is ItemStatus.APPROVED else "ended"
    changed = {}
    for n, old in enumerate(state.holdings):
        if old.item_id == message.item_id:
            new = old.model_copy(update={"state": now})
            changed[n] = new.model_copy(update={"released": old.released or not new.blocks})
    state.holdings = [changed.get(n, old) for n, old in enumerate(state.holdings)]
    return list(changed.values())
