"""I8: what a reader is shown is what folding the events gives. I6: and nothing in it waits without a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.history.history import CaseHistory, History, items_shown
from tests.faults.history.record import Record
from tests.faults.history.rules.joins import concludes
from tests.faults.history.violation import Breach

FINAL = frozenset({"approved", "denied", "not_applicable", "not_accepted", "withdrawn", "terminated", "revoked"})
ALIKE = frozenset({"withdrawn", "not_accepted", "terminated"})
"""Words that a case shares with its items when all of them ended so."""

Shown = Mapping[str, Any]


def views_equal_their_fold(history: History) -> Iterator[Breach]:
    """What the last event shows of an item is what the last event about that item showed."""
    for case in history.cases.values():
        folded = _folded(case)
        for shown in case.items:
            last, event = folded.get(shown["item_id"], (None, None))
            if event is not None and shown != last:
                what = f"item {shown['item_id']} changed to {shown['status']} without an event about it"
                yield Breach(what, case.id, [event, case.events[-1]])


def _folded(case: CaseHistory) -> dict[str, tuple[Shown, Record]]:
    """Each item as the last event about it showed it; an opening is about all, a correction paper about those it names."""
    folded: dict[str, tuple[Shown, Record]] = {}
    for event in case.events:
        about = {event.body.get("item_id"), *(event.body.get("items", ()) if event.name == "CorrectionIssued" else ())}
        for shown in items_shown(event):
            if event.name == "CaseOpened" or shown["item_id"] in about:
                folded[shown["item_id"]] = (shown, event)
    return folded


def conclusions_show_their_item(history: History) -> Iterator[Breach]:
    """The event that concludes an item shows it with that outcome, round and result."""
    for case in history.cases.values():
        for event in filter(concludes, case.events):
            said = event.body["outcome"], event.round, event.body.get("result")
            shown = [i for i in items_shown(event) if i["item_id"] == event.body["item_id"]]
            if [(i["status"], i["round"], i.get("result")) for i in shown] != [said]:
                yield Breach(
                    f"item {event.body['item_id']} is concluded {said[0]} and shown otherwise", case.id, [event]
                )


def closings_show_conclusions(history: History) -> Iterator[Breach]:
    """A closing shows every item with the outcome and round of its last conclusion."""
    for case in history.cases.values():
        outcomes: dict[str, tuple[str, int]] = {}
        for event in case.events:
            if concludes(event):
                outcomes[event.body["item_id"]] = event.body["outcome"], event.round
            shown = {i["item_id"]: (i["status"], i["round"]) for i in items_shown(event)}
            if event.name == "CaseClosed" and any(outcomes.get(i, now) != now for i, now in shown.items()):
                yield Breach("the closing shows an item otherwise than it was concluded", case.id, [event])


def statuses_follow_from_items(history: History) -> Iterator[Breach]:
    """In every event the application's status and outcome are those that its items give (contract, shapes)."""
    for case in history.cases.values():
        for event in case.events:
            told = event.body.get("case", {})
            items = items_shown(event)
            status, outcome = told.get("status"), told.get("outcome")
            if status not in statuses_of(items) or outcome != outcome_of(items, str(status)):
                yield Breach(f"the items do not make the case {status}, {outcome}", case.id, [event])


def statuses_of(items: Sequence[Shown]) -> set[str]:
    """The words that the items allow; two where one that is blocked may also wait for the applicant, unseen."""
    still = [item for item in items if item["status"] not in FINAL]
    if not still:
        words = {item["status"] for item in items}
        return words if len(words) == 1 and words <= ALIKE else {"closed"}
    if any(_for_applicant(item) for item in still):
        return {"correcting"}
    accepted = any(item.get("accepted_at") for item in items)
    word = "partial" if len(still) < len(items) else "in_progress" if accepted else "submitted"
    return {word, "correcting"} if any(item["status"] == "waiting" for item in still) else {word}


def _for_applicant(item: Shown) -> bool:
    return bool(item.get("findings")) or (item.get("waiting_on") or {}).get("kind") == "applicant"


def outcome_of(items: Sequence[Shown], status: str) -> str | None:
    """Of the items neither not applicable nor withdrawn: all, some or none approved; None while it is not closed."""
    counted = [item["status"] == "approved" for item in items if item["status"] not in {"not_applicable", "withdrawn"}]
    if status != "closed" or not counted:
        return None
    if all(counted):
        return "approved"
    return "partly_approved" if any(counted) else "denied"


def nothing_is_silently_stuck(history: History) -> Iterator[Breach]:
    """Where all work was done, every open item says whom or what it waits for."""
    if not any(history.saw("rest")):
        return
    for case in history.cases.values():
        for shown in case.items:
            if shown["status"] not in FINAL and not shown.get("waiting_on"):
                what = f"item {shown['item_id']} is {shown['status']} and waits for nothing"
                yield Breach(what, case.id, case.events[-1:])


def sources_waited_for_have_spoken(history: History) -> Iterator[Breach]:
    """Where all work was done, an item that a fact keeps back has heard of it, be it that its source is silent."""
    if not any(history.saw("rest")):
        return
    for case in history.cases.values():
        told = {name for r in case.named("FactEstablished") for name in (r.body["fact"], r.body["source"])}
        for shown in case.items:
            waits = shown.get("waiting_on") or {}
            if shown["status"] == "waiting" and waits.get("kind") == "source" and waits.get("name") not in told:
                what = f"item {shown['item_id']} waits for {waits.get('name')}, of which the coordinator never heard"
                yield Breach(what, case.id, case.events[-1:])
