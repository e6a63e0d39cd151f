"""I2: of every stream everything is there, once each, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.history.history import History, ItemHistory
from tests.faults.history.record import CORRECTIONS, RESULTS, Record
from tests.faults.history.violation import Breach

REPEATING = frozenset({"kafka"})
"""Buses that an outbox is relayed to: a relay that starts again repeats from its oldest row, and never overtakes."""


def records_can_be_read(history: History) -> Iterator[Breach]:
    """Every record names its event, its stream and its place in it, and holds a JSON object."""
    for record in history.records:
        if not (record.name and record.stream[1] and record.version and record.body):
            yield Breach("a record without a readable envelope or content", record.case, [record])


def streams_read_one_to_n(history: History) -> Iterator[Breach]:
    """A stream reads 1, 2, 3 … as it lies on the bus; on Kafka what was there before may come again in between."""
    for records in history.streams.values():
        last = 0
        for record in records:
            version = record.version or 0
            repeats = record.bus in REPEATING and 1 <= version <= last
            if not repeats and version != last + 1:
                yield Breach(f"after version {last} of the stream comes {version}", record.case, [record])
            last = max(last, version)


def repeats_are_the_same_bytes(history: History) -> Iterator[Breach]:
    """Two records at one place of a stream are equal in key, headers and content."""
    for records in history.streams.values():
        first: dict[int | None, Record] = {}
        for record in records:
            earlier = first.setdefault(record.version, record)
            if not record.same_as(earlier):
                what = f"version {record.version} of the stream was written twice, and not the same"
                yield Breach(what, record.case, [earlier, record])


def streams_lie_in_one_partition(history: History) -> Iterator[Breach]:
    """All of a stream has one key and one partition, without which it has no order."""
    for records in history.streams.values():
        first = records[0]
        for record in records:
            if (record.partition, record.key) != (first.partition, first.key):
                yield Breach("a stream changes its partition or key", record.case, [first, record])
                break


def event_ids_name_one_event(history: History) -> Iterator[Breach]:
    """An event's id belongs to one place of one stream."""
    first: dict[str, Record] = {}
    for record in history.records:
        earlier = first.setdefault(record.headers.get("id", ""), record)
        if (earlier.stream, earlier.version) != (record.stream, record.version):
            yield Breach("two events have one id", record.case, [earlier, record])


def answers_are_applied_once(history: History) -> Iterator[Breach]:
    """No answer is settled twice: a second settlement shows that the coordinator applied it again."""
    for item in history.items.values():
        settled = Counter(record.round for record in item.sent("ItemSettled"))
        for round_, count in settled.items():
            results = settled_in(item, round_)
            if count > len(results):
                what = f"item {item.id}: {len(results)} results in round {round_}, {count} settlements"
                yield Breach(what, item.case, [*results, *item.sent("ItemSettled", round_)])


def settled_in(item: ItemHistory, round_: int) -> list[Record]:
    """The results whose settlement names this round.

    A correction is about the round before the one it opens: applied, it is settled in the new round; late, in its own.
    """
    own = item.answers(RESULTS - CORRECTIONS, round_)
    late = {r.round for r in item.sent("ItemSettled") if r.body.get("status") == "late"}
    corrections = [
        r for r in item.answers(CORRECTIONS) if r.round + 1 == round_ or (r.round == round_ and r.round in late)
    ]
    return own + corrections
