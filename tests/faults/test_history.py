"""The checker that looks from outside: it is content with a sound history, and sees each promise that is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import HOUSE, modules
from tests.faults.history import check
from tests.faults.history.checking import RULES
from tests.faults.history.client import ClientLog
from tests.faults.history.lines import read_lines, write_lines
from tests.faults.made import EVENTS, Said, Story, sound_story

Line = dict[str, Any]


def rules_broken(story: Story, bus: list[Line] | None = None) -> set[str]:
    return {found.rule for found in check(story.seen, bus or story.bus(), story.positions)}


# --- it shares nothing with what it checks ----------------------------------------------------------------------------


def test_the_checker_imports_nothing_of_the_platform() -> None:
    theirs = {"services", "shared", "demo", "deploy", "benchmarks"}
    mine = [m for m in modules(HOUSE, "tests") if m.name.startswith("tests.faults.history")]
    assert len(mine) > 10
    assert [(m.place, name) for m in mine for name in sorted(m.imports) if name.split(".")[0] in theirs] == []
    inside = {name for m in mine for name in m.imports if name.startswith("tests.")}
    assert [name for name in sorted(inside) if not name.startswith("tests.faults.history")] == []


# --- each rule, on histories made by hand -----------------------------------------------------------------------------


@pytest.mark.parametrize("bus", ["embedded", "kafka"])
def test_a_sound_history_breaks_no_promise(bus: str) -> None:
    story = sound_story()
    assert check(story.seen, story.bus(bus), story.positions) == []


def drop(name: str, **body: Any) -> Callable[[Story], None]:
    return lambda story: story.drop(story.of(name, **body))


def again(name: str, **body: Any) -> Callable[[Story], None]:
    return lambda story: story.again(story.of(name, **body))


def changed(name: str, to: Line, **body: Any) -> Callable[[Story], None]:
    return lambda story: story.of(name, **body).body.update(to)


def saw(what: str, to: Line, **values: Any) -> Callable[[Story], None]:
    return lambda story: story.saw(what, **values).update(to)


def shown(name: str, fields: Line, **body: Any) -> Callable[[Story], None]:
    """The first item of the case stands otherwise in one event."""
    return lambda story: story.of(name, **body).body["case"]["items"][0].update(fields)


def forgotten(key: str) -> Callable[[Story], None]:
    """The client's lines of one submission are gone: nobody handed it in."""

    def spoil(story: Story) -> None:
        story.seen = [line for line in story.seen if line.get("key") != key]

    return spoil


def moved_after_closing(story: Story) -> None:
    closing = story.of("CaseClosed")
    said = Said(EVENTS, closing.aggregate, "ItemMoved", closing.case, {**closing.body, "item_id": "e-1"})
    story.said.insert(story.said.index(closing) + 1, said)


def told_of_nothing(story: Story) -> None:
    """The service tells of an allowance that was withdrawn."""
    story.said.append(Said("onewindow.elderly.events", "g-3", "AllowanceGranted", "case-3", {"person_ref": "p1_x"}))


def applied_twice(story: Story) -> None:
    story.again(story.of("ItemSettled", item_id="g-3"))
    story.again(story.of("ItemConcluded", late=True))


def asked_in_vain(story: Story) -> None:
    """A service is asked to let go of an item, and nothing follows."""
    asked = {"case_id": "case-6", "item_id": "w-6", "round": 1}
    story.said.append(Said("onewindow.funeral.requests", "w-6", "WithdrawalRequested", "case-6", asked))


def elsewhere(story: Story) -> None:
    story.of("CaseClosed").partition = 1


def unreadable(story: Story) -> None:
    story.of("ApplicationReceived", case_id="case-6").body = {}


def position(value: int) -> Callable[[Story], None]:
    return lambda story: story.positions.append({**story.positions[-1], "position": value})


def shown_again(story: Story) -> None:
    """What the second paper shows of the other item was told by none."""
    story.of("CorrectionIssued", number=2).body["case"]["items"][0]["findings"] = [{"code": "NEW"}]


SPOILT: list[tuple[set[str], Callable[[Story], None]]] = [
    ({"answered_applications_are_on_the_bus"}, drop("ApplicationReceived")),
    ({"answered_applications_are_on_the_bus"}, again("ApplicationSubmitted")),
    ({"items_are_sent_out_once"}, drop("ItemRequested", item_id="f-6")),
    ({"items_are_sent_out_once"}, again("ItemRequested", item_id="f-6")),
    ({"cases_end_as_clients_saw"}, saw("concluded", {"outcome": "denied"}, case_id="case-1")),
    ({"cases_end_as_clients_saw"}, lambda s: s.saw("concluded", case_id="case-1")["items"][0].update(status="denied")),
    ({"no_case_comes_from_nowhere"}, forgotten("key-7")),
    ({"keys_and_numbers_name_one_case"}, saw("answered", {"key": "key-1"}, case_id="case-2")),
    ({"keys_and_numbers_name_one_case"}, changed("ApplicationReceived", {"application_no": "number-2"})),
    ({"withdrawals_are_on_the_bus"}, drop("WithdrawalSubmitted")),
    ({"withdrawals_are_on_the_bus"}, again("WithdrawalSubmitted")),
    ({"records_can_be_read", "answered_applications_are_on_the_bus"}, unreadable),
    ({"streams_lie_in_one_partition"}, elsewhere),
    ({"answers_are_applied_once"}, applied_twice),
    ({"items_conclude_once"}, again("ItemConcluded", item_id="e-1")),
    ({"conclusions_have_a_cause"}, changed("ItemDecided", {"outcome": "denied"}, item_id="a-1")),
    ({"conclusions_have_a_cause"}, changed("WithdrawalAnswered", {"answer": "already_decided"})),
    (
        {"endings_are_concluded", "cases_close_when_complete", "views_equal_their_fold"},
        drop("ItemConcluded", item_id="t-4"),
    ),
    ({"cases_close_when_complete"}, again("CaseClosed")),
    ({"nothing_follows_a_closing"}, moved_after_closing),
    ({"complete_cases_are_closed", "cases_end_as_clients_saw"}, drop("CaseClosed")),
    ({"effects_follow_conclusions"}, drop("AllowanceStopped")),
    ({"effects_follow_conclusions", "effects_need_a_conclusion"}, again("AllowanceStopped")),
    ({"effects_need_a_conclusion"}, told_of_nothing),
    (
        {"late_results_are_not_applied", "settlements_are_told_alike"},
        changed("ItemSettled", {"status": "applied"}, item_id="g-3"),
    ),
    (
        {"timely_results_are_applied", "settlements_are_told_alike"},
        changed("ItemSettled", {"status": "late"}, item_id="a-1"),
    ),
    ({"settlements_are_told_alike"}, drop("ItemConcluded", late=True)),
    ({"decisions_are_settled"}, drop("ItemSettled", item_id="a-1")),
    (
        {"nothing_is_silently_stuck"},
        lambda s: s.of("ItemMoved", item_id="w-6").body["case"]["items"][1].pop("waiting_on"),
    ),
    ({"sources_waited_for_have_spoken"}, drop("FactEstablished")),
    ({"items_are_cancelled_once"}, again("ItemCancelled")),
    ({"services_end_items_once"}, again("WithdrawalAnswered")),
    ({"withdrawals_are_cancelled_only_if_asked"}, drop("WithdrawalRequested", item_id="g-3")),
    ({"withdrawals_come_to_an_end"}, asked_in_vain),
    ({"views_equal_their_fold"}, shown("ItemMoved", {"stage": "REVIEW"}, item_id="w-6")),
    ({"conclusions_show_their_item"}, changed("ItemConcluded", {"result": {}}, item_id="a-1")),
    ({"closings_show_conclusions"}, shown("CaseClosed", {"round": 3}, case_id="case-5")),
    (
        {"statuses_follow_from_items"},
        lambda s: s.of("ItemConcluded", item_id="e-1").body["case"].update(outcome="denied"),
    ),
    ({"papers_are_counted"}, changed("CorrectionIssued", {"number": 3}, number=2)),
    ({"findings_are_told_by_papers", "views_equal_their_fold"}, shown_again),
    ({"positions_never_go_back"}, position(1)),
    ({"positions_stay_within_the_log"}, position(10_000)),
]


@pytest.mark.parametrize(("rules", "spoil"), SPOILT)
def test_a_broken_promise_is_seen_and_no_other_is_blamed(rules: set[str], spoil: Callable[[Story], Any]) -> None:
    story = sound_story()
    spoil(story)
    assert rules_broken(story) == rules


def of_bus(bus: list[Line], name: str) -> Line:
    return next(line for line in bus if line["headers"]["type"].split(".")[-2] == name)


def place(line: Line, *, after: Line, bus: list[Line]) -> list[Line]:
    """The bus with one more record right after another one of its topic, offsets dense again."""
    topic = [other for other in bus if other["topic"] == after["topic"]]
    topic.insert(topic.index(after) + 1, line)
    rest = [other for other in bus if other["topic"] != after["topic"]]
    return rest + [{**other, "offset": offset} for offset, other in enumerate(topic)]


def overtaken(bus: list[Line]) -> list[Line]:
    """Where a relay began again, one came before those that it had left behind."""
    last, opened = of_bus(bus, "CaseClosed"), of_bus(bus, "CaseOpened")
    return place(dict(last), after=opened, bus=bus)


def written_otherwise(bus: list[Line]) -> list[Line]:
    opened = of_bus(bus, "CaseOpened")
    content = json.loads(opened["data"])
    return place({**opened, "data": json.dumps(content, indent=1)}, after=opened, bus=bus)


def one_id(bus: list[Line]) -> list[Line]:
    opened, received = of_bus(bus, "CaseOpened"), of_bus(bus, "ApplicationReceived")
    opened["headers"]["id"] = received["headers"]["id"]
    return bus


def with_a_hole(bus: list[Line]) -> list[Line]:
    return [{**line, "offset": line["offset"] + (line["offset"] > 2)} for line in bus]


def without_one(bus: list[Line]) -> list[Line]:
    """A record in the middle of a stream is gone, and the log closed over it."""
    moved = of_bus(bus, "ItemReturned")
    left = [line for line in bus if line is not moved]
    same = [line for line in left if line["topic"] == moved["topic"]]
    return [{**line, "offset": same.index(line)} if line in same else line for line in left]


SPOILT_ON_KAFKA: list[tuple[set[str], Callable[[list[Line]], list[Line]]]] = [
    ({"streams_read_one_to_n"}, overtaken),
    ({"repeats_are_the_same_bytes"}, written_otherwise),
    ({"event_ids_name_one_event"}, one_id),
    ({"offsets_are_dense"}, with_a_hole),
    ({"streams_read_one_to_n"}, without_one),
]


@pytest.mark.parametrize(("rules", "spoil"), SPOILT_ON_KAFKA)
def test_a_spoilt_log_is_seen(rules: set[str], spoil: Callable[[list[Line]], list[Line]]) -> None:
    story = sound_story()
    assert rules <= rules_broken(story, spoil(story.bus("kafka")))


def test_every_rule_is_seen_to_fail() -> None:
    tried = {rule for rules, _ in (*SPOILT, *SPOILT_ON_KAFKA) for rule in rules}
    assert {rule.__name__ for rule in RULES} == tried


@pytest.mark.parametrize(("kind", "broken"), [("kafka", set()), ("embedded", {"streams_read_one_to_n"})])
def test_a_relay_that_began_again_may_repeat_on_kafka_and_not_on_the_embedded_bus(kind: str, broken: set[str]) -> None:
    story = sound_story()
    bus = story.bus(kind)
    first = [line for line in bus if line["topic"] == EVENTS and line["headers"]["caseid"] == "case-1"]
    repeated = bus
    for line in reversed(first):
        repeated = place(line, after=first[-1], bus=repeated) if line is not first[-1] else repeated
    assert rules_broken(story, repeated) == broken


def test_a_violation_names_where_to_look() -> None:
    story = sound_story()
    story.again(story.of("ItemConcluded", item_id="e-1"))
    (found,) = check(story.seen, story.bus(), story.positions)
    assert (found.promise, found.case, found.streams) == ("I3", "case-1", (f"{EVENTS}/case-1",))
    assert found.places == (f"{EVENTS}[0]@1", f"{EVENTS}[0]@2")
    assert all(part in str(found) for part in ("I3", "e-1", "case-1", *found.places))


# --- as a command, on files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spoil", "code", "said"), [(None, 0, "every promise held"), (drop("CaseClosed"), 1, "I3 ")])
def test_the_command_prints_a_verdict_and_ends_with_it(spoil: Any, code: int, said: str, tmp_path: Path) -> None:
    story = sound_story()
    if spoil is not None:
        spoil(story)
    files = [tmp_path / name for name in ("client.jsonl", "bus.jsonl", "positions.jsonl")]
    for file, lines in zip(files, (story.seen, story.bus(), story.positions), strict=True):
        write_lines(file, lines)
    command = [sys.executable, "-m", "tests.faults.history", *map(str, files)]
    ended = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert (ended.returncode, said in ended.stdout) == (code, True), ended.stdout + ended.stderr


def test_a_client_that_was_killed_has_still_told_what_it_saw(tmp_path: Path) -> None:
    path = tmp_path / "client.jsonl"
    application = {"case_id": "c", "application_no": "n", "status": "closed", "outcome": None, "query_code": "secret"}
    item = {"id": "i", "matter": "a.b", "status": "withdrawn", "round": 1, "stage": ""}
    with ClientLog(path) as log:
        log.submitted("k")
        log.answered("k", 201, application)
        log.withdrawing("w", "c")
        log.withdrawn("w", "c", 202)
        log.concluded({**application, "items": [item]})
        log.rest()
    with path.open("a") as file:
        file.write('{"saw": "subm')
    lines = read_lines(path)
    assert [line["saw"] for line in lines] == ["submitted", "answered", "withdrawing", "withdrawn", "concluded", "rest"]
    assert (lines[1]["case_id"], lines[4]["items"][0]["id"]) == ("c", "i")
    assert "secret" not in path.read_text()
