"""I1: what was answered to a client is on the bus once, and nothing is there that nobody handed in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from tests.faults.history.history import CaseHistory, History, items_shown
from tests.faults.history.record import Line, Record
from tests.faults.history.violation import Breach

ONCE = ("ApplicationSubmitted", "ApplicationReceived", "CaseOpened")
BUSY = frozenset({408, 409, 429})
"""Answers that leave open whether the same key has made a case, or will."""


def answered_applications_are_on_the_bus(history: History) -> Iterator[Breach]:
    """An application answered 2xx was submitted, received and opened exactly once."""
    for case_id, answer in history.answered().items():
        case = history.cases.get(case_id, CaseHistory(case_id))
        for name in ONCE:
            found = case.named(name)
            if len(found) != 1:
                what = f"application {answer['application_no']} was answered, {name} is there {len(found)} times"
                yield Breach(what, case_id, found)


def items_are_sent_out_once(history: History) -> Iterator[Breach]:
    """Every item of an opened case was requested of its service once a round, from round 1 on."""
    for case in history.cases.values():
        for opened in case.named("CaseOpened")[:1]:
            for shown in items_shown(opened):
                yield from _sent_out(history, case, shown["item_id"])


def _sent_out(history: History, case: CaseHistory, item_id: str) -> Iterator[Breach]:
    item = history.items.get(item_id)
    requested = item.sent("ItemRequested") if item else []
    rounds = [record.round for record in requested]
    if rounds != list(range(1, len(rounds) + 1)) or not rounds:
        yield Breach(f"item {item_id} was requested in rounds {rounds}", case.id, requested)


def cases_end_as_clients_saw(history: History) -> Iterator[Breach]:
    """What a client read of a concluded case is what one of its closings says: status, outcome, and every item."""
    for line in history.saw("concluded"):
        case = history.cases.get(line["case_id"], CaseHistory(line["case_id"]))
        closings = case.named("CaseClosed")
        if _as_seen(line) not in [_as_told(closing) for closing in closings]:
            what = f"a client saw it {line['status']}, {line.get('outcome')}; no closing says so item by item"
            yield Breach(what, case.id, closings)


def _as_seen(line: Line) -> dict[str, Any]:
    items = {item["id"]: (item["matter"], item["status"], item["round"]) for item in line["items"]}
    return {"status": line["status"], "outcome": line.get("outcome"), "items": items}


def _as_told(closing: Record) -> dict[str, Any]:
    case = closing.body.get("case", {})
    items = {item["item_id"]: (item["matter"], item["status"], item["round"]) for item in items_shown(closing)}
    return {"status": case.get("status"), "outcome": case.get("outcome"), "items": items}


def no_case_comes_from_nowhere(history: History) -> Iterator[Breach]:
    """Every case on the bus was answered to a client, or may be one of those whose answer the client never got."""
    unknown = sorted(set(history.cases) - set(history.answered()))
    doubtful = _in_doubt(history)
    if len(unknown) > len(doubtful):
        what = f"{len(unknown)} cases no client knows of, {len(doubtful)} submissions without a last word"
        for case_id in unknown:
            yield Breach(what, case_id, history.cases[case_id].named("ApplicationSubmitted"))


def _in_doubt(history: History) -> set[str]:
    known = {line["key"] for line in history.saw("answered") if _settles(line["status_code"])}
    return {line["key"] for line in history.saw("submitted")} - known


def _settles(status_code: int) -> bool:
    return 200 <= status_code < 500 and status_code not in BUSY


def keys_and_numbers_name_one_case(history: History) -> Iterator[Breach]:
    """One idempotency key gives one case, one case one key, and an application number is never given twice."""
    answers = history.answered_lines()
    pairs = [(f"key {a['key']}", a["case_id"]) for a in answers]
    numbers = [(f"number {a['application_no']}", a["case_id"]) for a in answers]
    numbers += [(f"number {record.body.get('application_no')}", record.case) for record in _numbered(history)]
    for name, cases in _several(pairs + numbers):
        yield Breach(f"{name} names {len(cases)} cases: {', '.join(cases)}", cases[0])
    for case_id, keys in _several((a["case_id"], f"key {a['key']}") for a in answers):
        yield Breach(f"{' and '.join(keys)} gave one case", case_id)


def _numbered(history: History) -> Iterator[Record]:
    for case in history.cases.values():
        yield from case.named("ApplicationSubmitted")
        yield from case.named("ApplicationReceived")


def _several(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        found[name].add(value)
    return ((name, sorted(values)) for name, values in found.items() if len(values) > 1)


def withdrawals_are_on_the_bus(history: History) -> Iterator[Breach]:
    """Each withdrawal that was answered 202 is on the bus once; beyond those only what was asked without an answer."""
    good = (line for line in history.saw("withdrawn") if line["status_code"] == 202)
    taken = Counter(line["case_id"] for line in _once_a_key(good))
    asked = Counter(line["case_id"] for line in _once_a_key(history.saw("withdrawing")))
    for case in history.cases.values():
        found = case.named("WithdrawalSubmitted")
        if not taken[case.id] <= len(found) <= max(asked[case.id], taken[case.id]):
            what = f"{taken[case.id]} withdrawals were taken of {asked[case.id]} asked, {len(found)} are on the bus"
            yield Breach(what, case.id, found)


def _once_a_key(lines: Iterable[Line]) -> list[Line]:
    """The lines with the same key again left out: the same withdrawal repeated."""
    return list({line.get("key", n): line for n, line in enumerate(lines)}.values())
