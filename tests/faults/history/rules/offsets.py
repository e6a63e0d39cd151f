"""I9: offsets are dense, and what a group has read never becomes less by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.history.history import History
from tests.faults.history.record import Record
from tests.faults.history.violation import Breach

Place = tuple[str, int]


def offsets_are_dense(history: History) -> Iterator[Breach]:
    """A partition has no hole; on the embedded bus it begins at 0, on Kafka where it is still kept."""
    for records in _partitions(history).values():
        expected = 0 if records[0].bus == "embedded" else records[0].offset
        for record in records:
            if record.offset != expected:
                yield Breach(f"offset {record.offset} where {expected} was due", record.case, [record])
            expected = record.offset + 1


def _partitions(history: History) -> dict[Place, list[Record]]:
    found: dict[Place, list[Record]] = defaultdict(list)
    for record in history.records:
        found[record.topic, record.partition].append(record)
    return found


def positions_never_go_back(history: History) -> Iterator[Breach]:
    """The position of a group grows; only an operator's audited reset sets it back."""
    last: dict[tuple[str, str, int], int] = {}
    for line in history.positions:
        where = line["group"], line["topic"], line["partition"]
        if not line.get("reset") and line["position"] < last.get(where, 0):
            yield Breach(f"{where} went back from {last[where]} to {line['position']}")
        last[where] = line["position"]


def positions_stay_within_the_log(history: History) -> Iterator[Breach]:
    """No group has read beyond the end of a partition: what it skipped would never be handled."""
    ends = {place: records[-1].offset + 1 for place, records in _partitions(history).items()}
    for line in history.positions:
        end = ends.get((line["topic"], line["partition"]), 0)
        if line["position"] > end:
            where = line["group"], line["topic"], line["partition"]
            yield Breach(f"{where} stands at {line['position']}, the partition ends at {end}")
