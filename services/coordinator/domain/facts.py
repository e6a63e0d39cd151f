"""Facts that items wait for: confirmed releases, contradicted holds, refuted ends."""

from __future__ import annotations

from services.coordinator.domain.disputes import CONTRADICTED, doubt, retract
from services.coordinator.domain.join import ready
from services.coordinator.domain.state import CaseItem, Fact
from services.coordinator.domain.tasks import FACT_CHANGED, open_task
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import FactEstablished
from shared.outcomes import FactStatus


def establish_fact(turn: Turn, message: FactEstablished) -> None:
    """Records what is established of a fact; items that wait for it follow in `advance`.

    A refutation is the last word. What was confirmed is undone only by a refutation: a later contradiction holds back
    whatever rests on it and goes to the supervisor, since items may have been decided on it.
    """
    fact = turn.case.facts.setdefault(message.fact, Fact(name=message.fact, since=turn.now))
    if fact.refuted:
        return
    if fact.confirmed and not message.refuted:
        if message.status is FactStatus.CONTRADICTED:
            _tell_supervisor(turn, fact)
            doubt(turn, fact, CONTRADICTED)
        return
    _record(fact, message, turn)
    if fact.refuted:
        retract(turn, fact)
    if fact.disputed:
        _send_others_to_person(turn, fact)


def _record(fact: Fact, message: FactEstablished, turn: Turn) -> None:
    if fact.status is not message.status or message.refuted:
        fact.since = turn.said_at()
    fact.status = message.status
    fact.source = message.source
    fact.occurred_on = message.occurred_on
    fact.evidence = message.evidence
    fact.refuted = message.refuted


def _tell_supervisor(turn: Turn, fact: Fact) -> None:
    for item in turn.case.items.values():
        if fact.name in item.facts:
            open_task(turn, FACT_CHANGED, "supervisor", item, "FACT_CONTRADICTED_AFTER_CONFIRMED", fact=fact.name)


def _send_others_to_person(turn: Turn, fact: Fact) -> None:
    """What does not hang on a contradicted fact, and may be decided already, goes to a person meanwhile."""
    for item in turn.case.open_items():
        if fact.name not in item.facts and not item.blocked and not item.to_person and not item.returned:
            _send_to_person(turn, item)


def _send_to_person(turn: Turn, item: CaseItem) -> None:
    item.to_person = True
    turn.send(item, ready(turn.case, item))
