"""I7: a timer fires once. What it does to an item in front of everyone happens once a round."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.history.history import History, ItemHistory
from tests.faults.history.record import CORRECTIONS, RESULTS, Record
from tests.faults.history.violation import Breach


def items_are_cancelled_once(history: History) -> Iterator[Breach]:
    """The time-out of a withdrawal, and whatever else ends an item from above, does so once a round."""
    for item in history.items.values():
        yield from _once_a_round(item, item.sent("ItemCancelled"))


def services_end_items_once(history: History) -> Iterator[Breach]:
    """A service ends a round once, by a decision, a lapse, a return, or by letting the applicant withdraw."""
    for item in history.items.values():
        yield from _once_a_round(item, [record for record in item.up if _ends(record)])


def _ends(record: Record) -> bool:
    agreed = record.name == "WithdrawalAnswered" and record.body.get("answer") == "agreed"
    return agreed or record.name == "ItemReturned" or record.name in RESULTS - CORRECTIONS


def _once_a_round(item: ItemHistory, records: list[Record]) -> Iterator[Breach]:
    for round_ in sorted({record.round for record in records}):
        same = [record for record in records if record.round == round_]
        if len(same) > 1:
            names = ", ".join(record.name for record in same)
            yield Breach(f"item {item.id} was ended {len(same)} times in round {round_}: {names}", item.case, same)


def withdrawals_are_cancelled_only_if_asked(history: History) -> Iterator[Breach]:
    """A withdrawal times out only after its service was asked in that round."""
    for item in history.items.values():
        asked: set[int] = set()
        for record in item.down:
            if record.name == "WithdrawalRequested":
                asked.add(record.round)
            withdrawn = record.name == "ItemCancelled" and record.body.get("cause") == "withdrawn"
            if withdrawn and record.round not in asked:
                yield Breach(f"item {item.id} was withdrawn, and nobody had asked for it", item.case, [record])


def withdrawals_come_to_an_end(history: History) -> Iterator[Breach]:
    """Where all work was done, whoever was asked to let go of an item has answered, or was cancelled in time."""
    if not any(history.saw("rest")):
        return
    for item in history.items.values():
        for asked in item.sent("WithdrawalRequested"):
            ended = item.answers({"WithdrawalAnswered", "ItemReturned", *RESULTS}, asked.round)
            if not ended and not item.sent("ItemCancelled", asked.round):
                yield Breach(f"item {item.id}: a withdrawal was neither answered nor timed out", item.case, [asked])
