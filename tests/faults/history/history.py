"""The whole history, laid out so that a rule finds what it asks for: streams, cases, items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history.record import Line, Record, Stream, parsed

COORDINATOR_EVENTS = "onewindow.coordinator.events"
COORDINATOR_REQUESTS = "onewindow.coordinator.requests"
INTAKE_EVENTS = "onewindow.intake.events"


@dataclass
class CaseHistory:
    """All that was said of one case as a whole."""

    id: str
    requests: list[Record] = field(default_factory=list)
    received: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)

    def named(self, name: str) -> list[Record]:
        """The records of this kind, wherever they were said."""
        return [r for r in (*self.requests, *self.received, *self.events) if r.name == name]

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items as the coordinator last showed them."""
        return items_shown(self.events[-1]) if self.events else []


@dataclass
class ItemHistory:
    """All that was said between the coordinator and one item's service, and what that service told everyone."""

    id: str
    down: list[Record] = field(default_factory=list)
    up: list[Record] = field(default_factory=list)
    facts: list[Record] = field(default_factory=list)

    @property
    def case(self) -> str:
        """The case it belongs to."""
        return next((record.case for record in (*self.down, *self.up, *self.facts)), "")

    def sent(self, name: str, round_: int | None = None) -> list[Record]:
        """What the coordinator said to its service, of one kind (and round)."""
        return [r for r in self.down if r.name == name and round_ in (None, r.round)]

    def answers(self, names: Iterable[str], round_: int | None = None) -> list[Record]:
        """What its service answered, of these kinds (and that round)."""
        return [r for r in self.up if r.name in names and round_ in (None, r.round)]


class History:
    """What clients saw, what lies on the bus, how far groups had read.

    `streams` hold every record as it lies there; cases and items are told without repeats that are the same bytes, as
    a reader that keeps to the promise takes them.
    """

    def __init__(self, seen: Iterable[Line], records: Iterable[Line], positions: Iterable[Line] = ()) -> None:
        self.seen = list(seen)
        self.positions = list(positions)
        self.records = sorted(map(parsed, records), key=lambda r: (r.topic, r.partition, r.offset))
        self.streams: dict[Stream, list[Record]] = defaultdict(list)
        self.cases: dict[str, CaseHistory] = {}
        self.items: dict[str, ItemHistory] = {}
        for record in self.records:
            if record.stream[1]:
                self.streams[record.stream].append(record)
        for told in self.streams.values():
            for record in without_repeats(told):
                if record.body:  # what cannot be read is reported by its own rule, and says nothing here
                    self._place(record)

    def saw(self, what: str) -> Iterator[Line]:
        """The client's lines of one kind."""
        return (line for line in self.seen if line["saw"] == what)

    def answered_lines(self) -> list[Line]:
        """Every answer that said an application was received (2xx)."""
        return [line for line in self.saw("answered") if 200 <= line["status_code"] < 300]

    def answered(self) -> dict[str, Line]:
        """The last such answer of each case."""
        return {line["case_id"]: line for line in self.answered_lines()}

    def _place(self, record: Record) -> None:
        topic, aggregate = record.stream
        kind = topic.rpartition(".")[2]
        if topic == COORDINATOR_EVENTS:
            self._case(aggregate).events.append(record)
        elif topic == COORDINATOR_REQUESTS:
            self._case(aggregate).requests.append(record)
        elif topic == INTAKE_EVENTS:
            self._case(aggregate).received.append(record)
        elif kind in _SIDES and record.case:
            getattr(self._item(aggregate), _SIDES[kind]).append(record)

    def _case(self, identity: str) -> CaseHistory:
        return self.cases.setdefault(identity, CaseHistory(identity))

    def _item(self, identity: str) -> ItemHistory:
        return self.items.setdefault(identity, ItemHistory(identity))


_SIDES = {"requests": "down", "answers": "up", "events": "facts"}


def without_repeats(records: Iterable[Record]) -> Iterator[Record]:
    """The records of a stream, each that is the same bytes as an earlier one left out."""
    seen: dict[int | None, Record] = {}
    for record in records:
        first = seen.setdefault(record.version, record)
        if first is record or not record.same_as(first):
            yield record


def items_shown(event: Record) -> list[dict[str, Any]]:
    """The items of the case, as one of the coordinator's events shows them."""
    found: list[dict[str, Any]] = event.body.get("case", {}).get("items", [])
    return found
