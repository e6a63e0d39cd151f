"""One record of the bus, as it lies there."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Line = Mapping[str, Any]
Stream = tuple[str, str]
"""A topic and an aggregate's id: what is numbered 1, 2, 3 …"""

RESULTS = frozenset({"ItemDecided", "ItemNotAccepted", "ItemEnded", "ItemCorrected", "ItemRevoked"})
"""The answers that bring a result, and so are settled."""

CORRECTIONS = frozenset({"ItemCorrected", "ItemRevoked"})
"""Results about a decision of the round before: they open the next."""


@dataclass(frozen=True)
class Record:
    """A record with its place; nothing here raises for what cannot be read, a rule reports it."""

    bus: str
    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    data: bytes

    @property
    def place(self) -> str:
        """`topic[partition]@offset`."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    @property
    def stream(self) -> Stream:
        """The stream it belongs to."""
        return self.topic, self.headers.get("aggregateid", "")

    @property
    def case(self) -> str:
        """The case it is about; empty for one that is about none."""
        return self.headers.get("caseid", "")

    @property
    def name(self) -> str:
        """The event's short name, `ItemDecided`."""
        parts = self.headers.get("type", "").split(".")
        return parts[-2] if len(parts) > 1 else ""

    @property
    def version(self) -> int | None:
        """Its number in its stream; None where it has none."""
        text = self.headers.get("streamversion", "")
        return int(text) if text.isdecimal() else None

    @cached_property
    def body(self) -> dict[str, Any]:
        """What it says; empty where that is no JSON object."""
        try:
            found = json.loads(self.data)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def round(self) -> int:
        """The round of an item that it speaks of."""
        return int(self.body.get("round", 0))

    def same_as(self, other: Record) -> bool:
        """Whether both are the same bytes, wherever they lie."""
        return (self.key, self.headers, self.data) == (other.key, other.headers, other.data)


def parsed(line: Line) -> Record:
    """The record of one line of the bus."""
    data = b64decode(line["data64"]) if "data64" in line else str(line["data"]).encode()
    headers = {name.removeprefix("ce_"): str(value) for name, value in line["headers"].items()}
    where = str(line.get("bus", "embedded")), line["topic"], int(line["partition"]), int(line["offset"])
    return Record(*where, str(line["key"]), headers, data)
