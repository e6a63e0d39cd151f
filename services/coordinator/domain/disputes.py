"""A fact that is objected to holds back all that rests on it; one that is retracted undoes it, in every service.

Each handler holds and undoes its own effects; here it is said to which items, and what they wait for meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.coordinator.domain.join import downfall
from services.coordinator.domain.state import Case, CaseItem, Cause, Fact, Reversing
from services.coordinator.domain.stuck import heard
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.view import grounds_of, may_be_held, rests_on
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
        if (
            grounds_of(turn.case, item).count(ground) == 1
        ):  # else another fact it rests on holds it by that name already
            _freeze(turn, item, ground)


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
        _release(turn, item, [ground])


def retract(turn: Turn, fact: Fact) -> None:
    """The fact was not so: whatever was decided on it is undone; what is open and waits for it ends in `advance`."""
    doubts, fact.doubts = fact.doubts, []
    for item in _held(turn.case, fact):
        if item.outcome is not None:
            reverse(turn, item, "fact_retracted", FACT_RETRACTED)
        elif downfall(turn.case, item) is None:
            _release(turn, item, [each.ground for each in doubts])


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
    """A handler that cannot undo by itself says for whom it waits; nobody any more: a person let the decision stand,
    and what else is in doubt holds it again."""
    heard(turn, item)
    item.told = message.waiting_on
    if message.waiting_on is None:
        item.reversing = None
        for ground in dict.fromkeys(grounds_of(turn.case, item)):
            _freeze(turn, item, ground)


def _held(case: Case, fact: Fact) -> Iterator[CaseItem]:
    """The items that rest on a fact and have, or may get, a decision that nobody was asked to undo."""
    return (i for i in case.items.values() if rests_on(case, i, fact.name) and may_be_held(i))


def _freeze(turn: Turn, item: CaseItem, ground: str) -> None:
    turn.send(item, EffectsFrozen(item_id=item.id, case_id=turn.case.id, round=item.round, ground=ground))


def _release(turn: Turn, item: CaseItem, grounds: Iterable[str]) -> None:
    """These are over, unless another fact that the item rests on is in doubt by the same name."""
    left = grounds_of(turn.case, item)
    for ground in grounds:
        if ground not in left:
            turn.send(item, EffectsReleased(item_id=item.id, case_id=turn.case.id, round=item.round, ground=ground))
