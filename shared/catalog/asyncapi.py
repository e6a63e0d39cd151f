"""The AsyncAPI 3.0 document of the catalogue: every topic of messages, its writer and readers, each message's schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.catalog.model import ServiceEntry, TopicEntry
from shared.catalog.registry import Catalog
from shared.messages import Message, topic_of, type_of

_SCHEMAS = "#/components/schemas/{model}"
_TEXT = {"type": "string"}
_HEADERS = {
    "type": "object",
    "required": [f"ce_{n}" for n in ("specversion", "id", "type", "source", "time", "aggregateid", "streamversion")],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "the same however often it is delivered"},
        "ce_type": _TEXT,
        "ce_source": _TEXT,
        "ce_subject": _TEXT,
        "ce_time": {"type": "string", "format": "date-time", "description": "业务时间 / business time"},
        "ce_caseid": {"type": "string", "description": "办件 / the case; also the record's key where there is one"},
        "ce_aggregateid": {"type": "string", "description": "whose stream on this topic this is"},
        "ce_streamversion": {"type": "string", "description": "its place in that stream: 1, 2, 3 … without a gap"},
        "ce_beside": {
            "type": "string",
            "description": "the other version under which the same is said at this place of the stream",
        },
        "ce_correlationid": _TEXT,
        "ce_traceparent": _TEXT,
        "ce_keyid": {"type": "string", "description": "the sealing key of what is sealed in the data"},
    },
}


def asyncapi(catalog: Catalog) -> dict[str, Any]:
    """The document as JSON-able values; whole, every reference stands inside it."""
    entries = [catalog.services[name] for name in sorted(catalog.services)]
    on_topic = {topic: types for entry in entries for topic, types in _on_topics(entry).items()}
    models = {ce_type: model for types in on_topic.values() for ce_type, model in types.items()}
    topics = [catalog.topics[name] for name in sorted(catalog.topics) if not catalog.topics[name].dead]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "OneWindow 一窗通",
            "version": "0.1.0",
            "description": "CloudEvents 1.0, binary mode. Delivery may repeat; order holds within a stream.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, on_topic[topic.name]) for topic in topics},
        "operations": {name: op for topic in topics for name, op in _operations(topic, on_topic[topic.name], entries)},
        "components": _components(models),
    }


def _on_topics(entry: ServiceEntry) -> dict[str, dict[str, type[Message]]]:
    """Which messages stand on each topic of a service, by CloudEvents type."""
    kinds = (
        ("requests", entry.request_writer, entry.requests),
        ("answers", entry.name, entry.answers),
        ("events", entry.name, entry.events),
    )
    return {
        topic_of(entry.name, kind): {type_of(writer, m): m for m in messages}
        for kind, writer, messages in kinds
        if messages
    }


def _channel(topic: TopicEntry, types: Iterable[str]) -> dict[str, Any]:
    kept = "for good" if topic.days is None else f"{topic.days} days"
    return {
        "address": topic.name,
        "description": f"Written by {topic.writer} alone; {topic.partitions} partitions, by case; kept {kept}.",
        "messages": {ce_type: {"$ref": f"#/components/messages/{ce_type}"} for ce_type in sorted(types)},
        "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
    }


def _operations(
    topic: TopicEntry, types: Iterable[str], entries: Iterable[ServiceEntry]
) -> Iterable[tuple[str, dict[str, Any]]]:
    channel = f"#/channels/{topic.name}"
    messages = [{"$ref": f"{channel}/messages/{ce_type}"} for ce_type in sorted(types)]
    readers = ("everyone",) if topic.readers is None else topic.readers
    titles = {entry.name: entry.title for entry in entries}
    for who, action in ((topic.writer, "send"), *((reader, "receive") for reader in readers)):
        what = {"action": action, "channel": {"$ref": channel}, "messages": messages}
        yield f"{who}.{action}.{topic.name}", {**what, "title": titles.get(who, who)}


def _components(models: dict[str, type[Message]]) -> dict[str, Any]:
    kinds = sorted(set(models.values()), key=lambda m: (m.__name__, m.__module__))
    refs, schemas = models_json_schema([(m, "validation") for m in kinds], ref_template=_SCHEMAS)
    return {
        "messages": {
            ce_type: {
                "name": ce_type,
                "title": model.__name__,
                "summary": (model.__doc__ or "").strip().partition("\n")[0],
                "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
                "payload": refs[model, "validation"],
            }
            for ce_type, model in sorted(models.items())
        },
        "messageTraits": {"cloudevent": {"contentType": "application/json", "headers": _HEADERS}},
        "schemas": schemas["$defs"],
    }
