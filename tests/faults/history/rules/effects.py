"""I3: paid and told if and only if concluded. What a decision sets off is public once, and only when it is in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.faults.history.history import History, ItemHistory
from tests.faults.history.record import Record
from tests.faults.history.rules.joins import concludes
from tests.faults.history.violation import Breach


def _one(result: Mapping[str, Any]) -> int:
    return 1


def _one_a_scheme(result: Mapping[str, Any]) -> int:
    return len(result.get("schemes", ()))


def _one_if_any(result: Mapping[str, Any]) -> int:
    return min(1, _one_a_scheme(result))


EFFECTS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], int]]] = {
    "elderly.benefit_stop": ("AllowanceStopped", _one_a_scheme),
    "elderly.age_allowance": ("AllowanceGranted", _one),
    "assistance.benefit_stop": ("BenefitsStopped", _one_if_any),
    "assistance.temporary": ("TemporaryAssistanceGranted", _one),
    "marriage.record_annotation": ("RecordAnnotated", _one),
    "funeral.fee_waiver": ("FeeWaiverSettled", _one),
}
"""What an approved matter makes its service tell everyone, and how often by the item's public result."""


def effects_follow_conclusions(history: History) -> Iterator[Breach]:
    """An item that was concluded approved, and settled applied, is told by its service exactly as often as it says."""
    for case in history.cases.values():
        for event in filter(concludes, case.events):
            item = history.items.get(event.body["item_id"])
            if item is not None and event.round == 1 and in_force(item, event):
                yield from _as_promised(item, event)


def _as_promised(item: ItemHistory, event: Record) -> Iterator[Breach]:
    name, how_often = EFFECTS.get(_matter(event), ("", _one))
    known = item.sent("ItemRequested")[:1]
    if not name or not all(record.body.get("person_ref") for record in known):
        return  # nothing is told of it, or of a person whom nobody has established
    wanted = how_often(event.body["result"].get("public", {}))
    found = [fact for fact in item.facts if fact.name == name]
    if len(found) != wanted:
        what = f"item {item.id} is approved and in force: {wanted} {name} are due, {len(found)} were told"
        yield Breach(what, event.case, [event, *found])


def effects_need_a_conclusion(history: History) -> Iterator[Breach]:
    """What a service tells of an item is about one that is approved and in force, and it never says the same twice."""
    concluded = [e for case in history.cases.values() for e in case.events if concludes(e)]
    items = [(history.items.get(e.body["item_id"]), e) for e in concluded]
    forced = {item.id for item, event in items if item is not None and in_force(item, event)}
    for item in history.items.values():
        if item.facts and item.id not in forced:
            names = ", ".join(fact.name for fact in item.facts)
            yield Breach(f"item {item.id} is not in force, and {names} was told", item.case, item.facts)
        yield from _said_again(item)


def _said_again(item: ItemHistory) -> Iterator[Breach]:
    for (name, data), count in Counter((fact.name, fact.data) for fact in item.facts).items():
        if count > 1:
            same = [fact for fact in item.facts if (fact.name, fact.data) == (name, data)]
            yield Breach(f"item {item.id}: {name} was told {count} times", item.case, same)


def in_force(item: ItemHistory, event: Record) -> bool:
    """Whether a conclusion is an approval that its service was told is applied."""
    settled = [r for r in item.sent("ItemSettled", event.round) if r.body.get("status") == "applied"]
    return event.body["outcome"] == "approved" and bool(settled)


def _matter(event: Record) -> str:
    shown = event.body.get("case", {}).get("items", [])
    return next((i["matter"] for i in shown if i["item_id"] == event.body["item_id"]), "")
