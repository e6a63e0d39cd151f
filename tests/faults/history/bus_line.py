"""The line of one record, whatever bus it lies on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any


def bus_line(
    bus: str, topic: str, partition: int, offset: int, key: str, headers: Mapping[str, str], data: bytes
) -> dict[str, Any]:
    """`{bus, topic, partition, offset, key, headers, data | data64}`."""
    where = {"bus": bus, "topic": topic, "partition": partition, "offset": offset, "key": key, "headers": headers}
    try:
        return {**where, "data": data.decode()}
    except UnicodeDecodeError:
        return {**where, "data64": b64encode(data).decode()}
