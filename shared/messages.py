"""Messages and their envelope: what travels between services (CloudEvents 1.0, binary mode).

A message is a frozen Pydantic model declared in `shared/catalog`; an `Envelope` is that message on the wire, with
the attributes every reader needs without opening the data. No personal field stands in an envelope.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from shared.errors import Poison, Undecodable

NAMESPACE = UUID("6f6e6577-696e-5d6f-8077-000000000001")
"""The namespace of every derived id (events, tasks, asks, timers), so that a unit of work redone writes the same."""

_TYPE = re.compile(r"^cn\.onewindow\.([a-z_]+)\.([A-Za-z]+)\.v(\d+)$")


MESSAGE_BYTES: Final = 1_000_000
"""The most that a message may have with all that is said about it: a Kafka broker of default settings takes that much."""


def derived_id(*parts: object) -> UUID:
    """The one id that these parts always give."""
    return uuid5(NAMESPACE, "/".join(map(str, parts)))


class Message(BaseModel):
    """Base of every payload; its class name is the event's name, `VERSION` its schema version."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    VERSION: ClassVar[int] = 1
    PASSING: ClassVar[bool] = False
    """It tells of a state in between: needless when the same unit of work says something later about the same."""

    def about(self) -> object:
        """What it is about, where passing messages of its kind may be left out; None otherwise."""
        return None

    def older(self) -> Message | None:
        """The same as the version before says it, for the one release in which both are published; None otherwise."""
        return None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on a topic.

    `key` decides the partition (the case); (`topic`, `aggregateid`) names the stream and `streamversion` the place in
    it, 1, 2, 3 … without a gap. `time` is business time. `beside` names the other type under which the same is said at
    this very place, the older version first: it counts once.
    """

    id: UUID
    type: str
    source: str
    time: datetime
    topic: str
    key: str
    aggregateid: str
    streamversion: int
    data: bytes
    caseid: str | None = None
    correlationid: str | None = None
    traceparent: str | None = None
    keyid: str | None = None
    beside: str | None = None

    @property
    def name(self) -> str:
        """The event's short name (`ItemDecided`)."""
        return parse_type(self.type)[1]


def type_of(service: str, message: type[Message]) -> str:
    """The CloudEvents type of a message published by a service."""
    return f"cn.onewindow.{service}.{message.__name__}.v{message.VERSION}"


@lru_cache(maxsize=1024)
def parse_type(value: str) -> tuple[str, str, int]:
    """(service, name, version) of a CloudEvents type; raises `Poison` for one that is not ours."""
    match = _TYPE.match(value)
    if match is None:
        raise Poison(f"不认识的事件类型 {value}", f"unknown event type: {value}")
    return match[1], match[2], int(match[3])


def event_id(topic: str, aggregate_id: str, version: int) -> UUID:
    """The id of the event at this place of a stream: the same however often it is written."""
    return derived_id(topic, aggregate_id, version)


DEAD_LETTERS = "deadletters"


def topic_of(service: str, kind: str) -> str:
    """`onewindow.<service>.<requests|answers|events|deadletters>`."""
    return f"onewindow.{service}.{kind}"


def attributes(envelope: Envelope) -> dict[str, Any]:
    """The CloudEvents attributes (binary mode headers without the `ce_` prefix), absent extensions left out."""
    values = {
        "specversion": "1.0",
        "id": str(envelope.id),
        "type": envelope.type,
        "source": envelope.source,
        "time": envelope.time.isoformat(),
        "subject": envelope.aggregateid,
        "datacontenttype": "application/json",
        "caseid": envelope.caseid,
        "aggregateid": envelope.aggregateid,
        "streamversion": str(envelope.streamversion),
        "correlationid": envelope.correlationid,
        "traceparent": envelope.traceparent,
        "keyid": envelope.keyid,
        "beside": envelope.beside,
    }
    return {name: value for name, value in values.items() if value is not None}


def size_of(key: str, said: Mapping[str, Any], data: bytes) -> int:
    """The bytes of a message with its key and all that is said about it."""
    return len(key.encode()) + len(data) + sum(len(name) + len(str(value).encode()) for name, value in said.items())


def from_attributes(topic: str, key: str, headers: Mapping[str, str], data: bytes) -> Envelope:
    """The envelope of a binary-mode record; raises `Undecodable`, naming the attribute that is missing or malformed."""
    try:
        return Envelope(
            **{name: read(headers[name]) for name, read in _REQUIRED.items()},
            topic=topic,
            key=key,
            data=data,
            caseid=headers.get("caseid"),
            correlationid=headers.get("correlationid"),
            traceparent=headers.get("traceparent"),
            keyid=headers.get("keyid"),
            beside=headers.get("beside"),
        )
    except (KeyError, ValueError) as cause:
        wrong = next(name for name, read in _REQUIRED.items() if not _reads(read, headers.get(name)))
        raise Undecodable(
            f"事件信封的 {wrong} 缺失或不合格式", f"its attribute {wrong} is missing or malformed"
        ) from cause


def _type(text: str) -> str:
    if _TYPE.match(text) is None:
        raise ValueError("type")
    return text


_REQUIRED: dict[str, Callable[[str], Any]] = {
    "id": UUID,
    "type": _type,
    "source": str,
    "time": datetime.fromisoformat,
    "aggregateid": str,
    "streamversion": int,
}
"""The attributes without which nobody can say what a record is and whose; their values are never repeated in words."""


def _reads(read: Callable[[str], Any], text: str | None) -> bool:
    try:
        return text is not None and read(text) is not None
    except ValueError:
        return False
