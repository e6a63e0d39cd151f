"""An envelope on its way to the bus: its partition, and the row it waits in."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from shared.messages import Envelope, attributes


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key; the same on every machine."""
    return crc32(key.encode()) % partitions


def outbox_row(envelope: Envelope, partitions: int) -> dict[str, Any]:
    """One outbox row: the envelope as it will stand on the bus, and itself for readers of the same process."""
    return {
        "event_id": envelope.id,
        "topic": envelope.topic,
        "partition": partition_of(envelope.key, partitions),
        "key": envelope.key,
        "headers": attributes(envelope),
        "data": envelope.data,
        "envelope": envelope,
    }
