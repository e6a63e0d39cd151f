"""I4, I5: what comes late, or for a round that is over, is recorded as late and never applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.history.history import History, ItemHistory
from tests.faults.history.record import CORRECTIONS, RESULTS, Record
from tests.faults.history.rules.joins import concludes
from tests.faults.history.rules.streams import settled_in
from tests.faults.history.violation import Breach


def decisions_are_settled(history: History) -> Iterator[Breach]:
    """Every result that a service brings is settled, applied or late, in its round."""
    for item in history.items.values():
        results, settled = item.answers(RESULTS), item.sent("ItemSettled")
        if len(settled) < len(results):
            what = f"item {item.id} brought {len(results)} results, {len(settled)} were settled"
            yield Breach(what, item.case, [*results, *settled])


def late_results_are_not_applied(history: History) -> Iterator[Breach]:
    """Once a round of an item is over (cancelled, withdrawn, applied, or a later round began) nothing of it applies."""
    for item in history.items.values():
        over = 0
        for record in item.down:
            applied = record.name == "ItemSettled" and record.body.get("status") == "applied"
            if applied and (record.round <= over or _withdrawn_before(item, record.round)):
                what = f"item {item.id}: round {record.round} was over, and a result of it was applied"
                yield Breach(what, item.case, [*item.answers(RESULTS, record.round), record])
            over = max(over, _over_by(record))


def _over_by(record: Record) -> int:
    """The last round that is over after this record."""
    if record.name == "ItemCancelled" or (record.name == "ItemSettled" and record.body.get("status") == "applied"):
        return record.round
    return record.round - 1 if record.name == "ItemRequested" else 0


def _withdrawn_before(item: ItemHistory, round_: int) -> bool:
    """Whether the service agreed to the withdrawal before it brought a result: agreeing was the end of the item."""
    words = [r for r in item.up if r.round == round_ and (r.name in RESULTS or _agrees(r))]
    return bool(words) and _agrees(words[0])


def _agrees(record: Record) -> bool:
    return record.name == "WithdrawalAnswered" and record.body.get("answer") == "agreed"


def timely_results_are_applied(history: History) -> Iterator[Breach]:
    """A result in a round that nothing had ended is not dropped as late."""
    for item in history.items.values():
        for round_ in {r.round for r in item.answers(RESULTS - CORRECTIONS)}:
            settled = item.sent("ItemSettled", round_)
            if settled and {r.body.get("status") for r in settled} == {"late"} and not _ended(item, round_):
                what = f"item {item.id}: the result of round {round_} came in time and was settled late"
                yield Breach(what, item.case, [*item.answers(RESULTS, round_), *settled])


def _ended(item: ItemHistory, round_: int) -> bool:
    later = any(r.round > round_ for r in item.sent("ItemRequested"))
    words = [r for r in item.up if r.round == round_ and (r.name == "ItemReturned" or _agrees(r))]
    return later or bool(words) or bool(item.sent("ItemCancelled", round_))


def settlements_are_told_alike(history: History) -> Iterator[Breach]:
    """Everyone hears of a late result as late, and as often as its service does."""
    events = [e for case in history.cases.values() for e in case.events if e.name == "ItemConcluded"]
    told = Counter((e.body["item_id"], e.round) for e in events if not concludes(e))
    late = [r for item in history.items.values() for r in item.sent("ItemSettled") if r.body.get("status") == "late"]
    settled = Counter((r.stream[1], r.round) for r in late)
    for item_id, round_ in sorted(settled.keys() | told.keys()):
        often = settled[item_id, round_], told[item_id, round_]
        if often[0] != often[1]:
            item = history.items.get(item_id, ItemHistory(item_id))
            what = f"item {item_id}, round {round_}: settled late {often[0]} times, told {often[1]} times"
            yield Breach(what, item.case, settled_in(item, round_))
