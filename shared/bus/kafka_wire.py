"""CloudEvents on Kafka, binary mode: attributes are headers `ce_*`, the content type is `content-type`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.structs import ConsumerRecord

from shared.bus.port import Raw, Record

_CONTENT = "datacontenttype"
_CONTENT_HEADER = "content-type"
_PREFIX = "ce_"


def to_headers(attributes: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """The headers of a record."""
    return [
        (_CONTENT_HEADER if name == _CONTENT else _PREFIX + name, str(value).encode())
        for name, value in attributes.items()
    ]


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The attributes again; what is not of CloudEvents is left out. Raises `ValueError` for what is no text."""
    found = {}
    for name, value in headers:
        if name == _CONTENT_HEADER:
            found[_CONTENT] = _text(value)
        elif name.startswith(_PREFIX):
            found[name.removeprefix(_PREFIX)] = _text(value)
    return found


def _text(value: bytes | None) -> str:
    text = (value or b"").decode()
    if "\0" in text:  # the database keeps no such text, so it could not even be parked
        raise ValueError("NUL")
    return text


def to_record(got: ConsumerRecord[bytes, bytes], prefix: str) -> Record:
    """What the library gives as the platform's record; one whose key or attributes are no text says so when read."""
    topic, data = got.topic.removeprefix(prefix), got.value or b""
    try:
        key, headers = _text(got.key), from_headers(got.headers)
    except ValueError as cause:  # the cause may quote bytes: only its kind is told
        raw = Raw(got.key, got.headers, "NUL" if str(cause) == "NUL" else "UTF-8")
        return Record(topic, got.partition, got.offset, "", {}, data, raw)
    return Record(topic, got.partition, got.offset, key, headers, data, Raw(got.key, got.headers))
