"""Dead letters: bytes that are no event of ours, kept as they came on a topic of their own, with where they came from.

Nobody can say which case they belong to, so nothing waits for them and the consumer goes on. They go through the
outbox of the service that read them: kept before its position moves past the original. A crash in between keeps one
twice, under one id.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson

from shared.bus.port import Record
from shared.db.documents import write_rows
from shared.db.engine import role_of
from shared.messages import DEAD_LETTERS, event_id, topic_of
from shared.metrics import METRICS

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

MOST_BYTES = 900_000
"""What is kept of one: no more than a broker takes in a message of its default size, with all that is said about it."""

MOST_HEADERS = 50_000
PARTITION = 0


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._topic = topic_of(service.spec.name, DEAD_LETTERS)

    async def put(self, record: Record, reason: str) -> None:
        """Keeps one; durable when it returns."""
        service = self._service
        row = self._row(record, reason)
        writes = service.new_writes()
        writes.outbox.append(row)
        async with service.db.transaction(role_of(service.spec.name)) as conn:
            writes.appended = await service.bus.append(conn, writes.outbox)
            if writes.appended is None:
                await write_rows(conn, service.spec.delivery.outbox, [row])
        service.committed(writes)
        METRICS.dead_letters.labels(service.spec.name).inc()

    def _row(self, record: Record, reason: str) -> dict[str, Any]:
        identity = event_id(record.topic, str(record.partition), record.offset)
        source = f"{record.topic}/{record.partition}/{record.offset}"
        headers = {
            "specversion": "1.0",
            "id": str(identity),
            "type": f"cn.onewindow.{self._service.spec.name}.DeadLetter.v1",
            "source": f"/onewindow/{self._service.spec.name}",
            "time": self._service.clock.now().isoformat(),
            "subject": source,
            "datacontenttype": "application/octet-stream",
            "fromtopic": record.topic,
            "frompartition": str(record.partition),
            "fromoffset": str(record.offset),
            "reason": reason,
            "bytes": str(len(record.data)),
            **_original(record),
        }
        same = {"event_id": identity, "topic": self._topic, "partition": PARTITION, "key": source}
        return {**same, "headers": headers, "data": record.data[:MOST_BYTES]}

    async def listing(self, after: int | None, most: int) -> list[dict[str, Any]]:
        """Where each came from and why it is dead, oldest first; never what is in it."""
        records = await self._service.bus.read((self._topic, PARTITION), 0 if after is None else after + 1, most)
        return [_shown(record) for record in records]


def _original(record: Record) -> dict[str, str]:
    """Key and headers as they came, in Base64, since they may be no text; left out where there is too much of them."""
    key: bytes = record.key.encode()
    pairs = [(name, value.encode()) for name, value in record.headers.items()]
    if record.raw is not None:
        key, pairs = record.raw.key or b"", [(name, value or b"") for name, value in record.raw.headers]
    headers = orjson.dumps([[name, b64encode(value).decode()] for name, value in pairs])
    kept = {"originalkey": b64encode(key).decode(), "originalheaders": b64encode(headers).decode()}
    return {name: text for name, text in kept.items() if len(text) <= MOST_HEADERS}


def _shown(record: Record) -> dict[str, Any]:
    said = record.headers
    return {
        "number": record.offset,
        "topic": said["fromtopic"],
        "partition": int(said["frompartition"]),
        "offset": int(said["fromoffset"]),
        "reason": said["reason"],
        "bytes": int(said["bytes"]),
        "at": said["time"],
    }
