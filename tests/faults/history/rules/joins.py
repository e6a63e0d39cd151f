"""I3: a join fires exactly once, only when complete, and always if complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.history.history import CaseHistory, History, ItemHistory, items_shown
from tests.faults.history.record import Record
from tests.faults.history.violation import Breach

ENDED_AS = {"ItemNotAccepted": "not_accepted", "ItemEnded": "terminated", "ItemRevoked": "revoked"}
"""What an answer that brings an end makes of the item; a decision names its outcome itself."""


def concludes(event: Record) -> bool:
    """Whether an event says that an item's outcome takes effect (a late one is only recorded)."""
    return event.name == "ItemConcluded" and not event.body.get("late", False)


def items_conclude_once(history: History) -> Iterator[Breach]:
    """Of one round of an item there is at most one outcome."""
    for case in history.cases.values():
        found = Counter((e.body["item_id"], e.round) for e in case.events if concludes(e))
        for (item_id, round_), count in found.items():
            if count > 1:
                events = [e for e in case.events if concludes(e) and e.body["item_id"] == item_id and e.round == round_]
                yield Breach(f"item {item_id} was concluded {count} times in round {round_}", case.id, events)


def conclusions_have_a_cause(history: History) -> Iterator[Breach]:
    """An outcome is what the item's service answered in that round, or what the coordinator cancelled it as."""
    for case in history.cases.values():
        for event in filter(concludes, case.events):
            item = history.items.get(event.body["item_id"], ItemHistory(event.body["item_id"]))
            if event.body["outcome"] not in _possible(item, event.round):
                what = f"item {item.id} was concluded {event.body['outcome']} in round {event.round}, nobody said so"
                yield Breach(what, case.id, [*item.up, *item.sent("ItemCancelled"), event])


def _possible(item: ItemHistory, round_: int) -> set[str]:
    """The outcomes that the item may have in this round, by what its service and the coordinator said."""
    found = {r.body["outcome"] for r in item.answers({"ItemDecided"}, round_)}
    found |= {ENDED_AS[r.name] for r in item.answers({"ItemNotAccepted", "ItemEnded"}, round_)}
    found |= {"revoked" for _ in item.answers({"ItemRevoked"}, round_ - 1)}
    if item.answers({"ItemCorrected"}, round_ - 1):
        found |= _possible(item, round_ - 1)
    # One that was sent back while the applicant withdraws it ends withdrawn, without a word to its service.
    if item.answers({"ItemReturned"}, round_) or _agreed(item, round_):
        found.add("withdrawn")
    return found | {r.body["cause"] for r in item.sent("ItemCancelled", round_)}


def _agreed(item: ItemHistory, round_: int) -> bool:
    return any(r.body["answer"] == "agreed" for r in item.answers({"WithdrawalAnswered"}, round_))


def endings_are_concluded(history: History) -> Iterator[Breach]:
    """An item whose decision was applied, or that was cancelled, is concluded in that round for everyone."""
    concluded = {(e.body["item_id"], e.round) for c in history.cases.values() for e in c.events if concludes(e)}
    for item in history.items.values():
        applied = [r for r in item.sent("ItemSettled") if r.body.get("status") == "applied"]
        for record in (*applied, *item.sent("ItemCancelled")):
            if (item.id, record.round) not in concluded:
                what = f"item {item.id}: {record.name} in round {record.round}, and no conclusion"
                yield Breach(what, item.case, [record])


def cases_close_when_complete(history: History) -> Iterator[Breach]:
    """A case closes only when each of its items is concluded, and once until it is opened again."""
    for case in history.cases.values():
        for event, open_items, closed in _walk(case):
            if event.name == "CaseClosed" and (open_items or closed):
                why = f"{len(open_items)} items are open" if open_items else "it is closed already"
                yield Breach(f"the case is closed, though {why}", case.id, [event])


def nothing_follows_a_closing(history: History) -> Iterator[Breach]:
    """After its closing a case says nothing but what came late, until it is opened again."""
    for case in history.cases.values():
        for event, _, closed in _walk(case):
            late = event.name == "ItemConcluded" and not concludes(event)
            if closed and not late and event.name not in {"CaseReopened", "CaseClosed"}:
                yield Breach(f"{event.name} after the closing", case.id, [event])


def complete_cases_are_closed(history: History) -> Iterator[Breach]:
    """A case whose items are all concluded is closed."""
    for case in history.cases.values():
        steps = list(_walk(case))
        if steps:
            event, open_items, closed = steps[-1]
            open_items, closed = _after(event, open_items, closed=closed)
            if not open_items and not closed:
                yield Breach("every item is concluded, and the case is not closed", case.id, [event])


def _walk(case: CaseHistory) -> Iterator[tuple[Record, set[str], bool]]:
    """Each event with the items that were open and whether the case was closed before it."""
    open_items: set[str] = set()
    closed = False
    for event in case.events:
        if event.name == "CaseOpened":
            open_items = {item["item_id"] for item in items_shown(event)}
        yield event, open_items, closed
        open_items, closed = _after(event, open_items, closed=closed)


def _after(event: Record, open_items: set[str], *, closed: bool) -> tuple[set[str], bool]:
    if concludes(event):
        return open_items - {event.body["item_id"]}, closed
    if event.name == "CaseReopened":
        return open_items | {event.body["item_id"]}, False
    return open_items, closed or event.name == "CaseClosed"
