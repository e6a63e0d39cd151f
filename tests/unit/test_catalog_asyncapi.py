"""The AsyncAPI document: whole, and the committed one is that of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.catalog.asyncapi import asyncapi
from shared.catalog.registry import load
from shared.catalog.schemas import all_types

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "asyncapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi(load())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_every_reference_stands_inside_the_document(document):
    found = set(references(document))
    assert found
    assert all(resolved(document, reference) for reference in found)


def test_every_topic_and_message_of_the_catalogue_is_described(document):
    assert set(document["channels"]) == {name for name, topic in load().topics.items() if not topic.dead}
    assert set(document["components"]["messages"]) == set(all_types(load()))


def test_every_topic_has_one_writer_whose_operation_names_all_its_messages(document):
    for name, channel in document["channels"].items():
        mine = {n: op for n, op in document["operations"].items() if op["channel"]["$ref"] == f"#/channels/{name}"}
        senders = [op for op in mine.values() if op["action"] == "send"]
        assert len(senders) == 1
        assert len(senders[0]["messages"]) == len(channel["messages"])
        assert any(op["action"] == "receive" for op in mine.values())


def test_the_committed_document_is_that_of_the_catalogue(document):
    assert orjson.loads(COMMITTED.read_bytes()) == orjson.loads(orjson.dumps(document))
