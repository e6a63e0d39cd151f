"""A fact that is objected to holds back all that rests on it; one that is retracted undoes it, in every service.

Each handler holds and undoes its own effects; here it is said to which items, and what they wait for meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.coordinator.domain.join import downfall
from services.coordinator.domain.state import Case, CaseItem, Cause, Fact, Reversing
from services.coordinator.domain.stuck import heard
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.view import DECIDED, rests_on
from shared.catalog.protocol import (
    Doubt,
    EffectsFrozen,
    EffectsReleased,
    FactDisputed,
    FactUpheld,
    ItemProgressed,
    ReversalRequested,
)

FACT_RETRACTED: Final = "FACT_RETRACTED"
CONTRADICTED: Final = "SOURCE_CONTRADICTS"


def dispute(turn: Turn, message: FactDisputed) -> None:
    """Freezes, at once, every item that rests on the fact; a fact that is refuted already holds nothing any more."""
    fact = turn.case.facts.setdefault(message.fact, Fact(name=message.fact, since=turn.now))
    if not fact.refuted:
        doubt(turn, fact, message.ground)


def doubt(turn: Turn, fact: Fact, ground: str) -> None:
    """One more doubt of a fact, unless it is known."""
    if any(d.ground == ground for d in fact.doubts):
        return
    fact.doubts.append(Doubt(ground=ground, since=turn.said_at()))
    for item in _held(turn.case, fact):
        frozen = EffectsFrozen(item_id=item.id, case_id=turn.case.id, round=item.round, ground=ground)
        turn.send(item, frozen)


def uphold(turn: Turn, message: FactUpheld) -> None:
    """The doubt was unfounded: what it held goes on."""
    fact = turn.case.facts.get(message.fact)
    if fact is not None:
        settle(turn, fact, message.ground)


def settle(turn: Turn, fact: Fact, ground: str) -> None:
    """This doubt of the fact is over."""
    if not any(d.ground == ground for d in fact.doubts):
        return
    fact.doubts = [d for d in fact.doubts if d.ground != ground]
    for item in _held(turn.case, fact):
        _release(turn, item, ground)


def retract(turn: Turn, fact: Fact) -> None:
    """The fact was not so: whatever was decided on it is undone; what is open and waits for it ends in `advance`."""
    doubts, fact.doubts = fact.doubts, []
    for item in _held(turn.case, fact):
        if item.outcome is not None:
            reverse(turn, item, "fact_retracted", FACT_RETRACTED)
        elif downfall(turn.case, item) is None:
            for each in doubts:
                _release(turn, item, each.ground)


def reverse(turn: Turn, item: CaseItem, cause: Cause, reason_code: str) -> None:
    """Asks the item's handler to undo its decision, unless it was asked; it answers `ItemRevoked`."""
    if item.reversing is None:
        item.reversing = Reversing(cause=cause, reason_code=reason_code, since=turn.now)
        reverse_again(turn, item)


def reverse_again(turn: Turn, item: CaseItem) -> None:
    """Says once more what was asked for; a handler that has undone it changes nothing."""
    asked = item.reversing
    if asked is None:
        return
    law = turn.ctx.policy.find(f"reversal.law.{asked.cause}", turn.case.accept_region, turn.now).value
    said = ReversalRequested(
        item_id=item.id,
        case_id=turn.case.id,
        round=item.round,
        cause=asked.cause,
        reason_code=asked.reason_code,
        law=law,
    )
    turn.send(item, said)


def on_progress(turn: Turn, item: CaseItem, message: ItemProgressed) -> None:
    """A handler that cannot undo by itself says for whom it waits; nobody any more: a person let the decision stand."""
    heard(turn, item)
    item.told = message.waiting_on
    if message.waiting_on is None:
        item.reversing = None


def _held(case: Case, fact: Fact) -> Iterator[CaseItem]:
    """The items that rest on a fact and have, or may get, a decision."""
    items = case.items.values()
    return (i for i in items if rests_on(case, i, fact.name) and (i.outcome is None or i.outcome in DECIDED))


def _release(turn: Turn, item: CaseItem, ground: str) -> None:
    turn.send(item, EffectsReleased(item_id=item.id, case_id=turn.case.id, round=item.round, ground=ground))
