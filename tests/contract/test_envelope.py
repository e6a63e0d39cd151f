"""The envelope is a CloudEvent to others' eyes: a second library reads what ours writes, in Kafka's binary mode."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from shared.errors import Poison
from shared.messages import Envelope, attributes, from_attributes

FULL = Envelope(
    id=UUID("01a200b0-209c-75dc-9d3b-735c9c4fc1b2"),
    type="cn.onewindow.coordinator.CaseClosed.v1",
    source="/coordinator",
    time=datetime(2026, 11, 21, 2, 0, tzinfo=UTC),
    topic="onewindow.coordinator.events",
    key="a-case",
    aggregateid="a-case",
    streamversion=3,
    data=orjson.dumps({"status": "closed"}),
    caseid="a-case",
    correlationid="a-request",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    keyid="1-19b7a7d2",
)
EXTENSIONS = ("caseid", "aggregateid", "streamversion", "correlationid", "traceparent", "keyid")


def headers(envelope: Envelope) -> dict[str, bytes]:
    named = {"datacontenttype": "content-type"}
    return {named.get(name, f"ce_{name}"): value.encode() for name, value in attributes(envelope).items()}


def test_another_library_reads_every_attribute_and_the_data():
    event = from_binary_event(KafkaMessage(headers(FULL), FULL.key.encode(), FULL.data))
    assert (event.get_id(), event.get_type(), event.get_source()) == (str(FULL.id), FULL.type, FULL.source)
    assert event.get_specversion() == "1.0"
    assert event.get_time() == FULL.time
    assert event.get_subject() == FULL.aggregateid
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == {"status": "closed"}
    assert {name: event.get_extension(name) for name in EXTENSIONS} == {
        **{name: getattr(FULL, name) for name in EXTENSIONS},
        "streamversion": "3",
    }


def test_what_was_written_is_read_again_unchanged():
    assert from_attributes(FULL.topic, FULL.key, attributes(FULL), FULL.data) == FULL


@pytest.mark.parametrize("lost", ["id", "source", "type", "time", "aggregateid", "streamversion"])
def test_a_record_without_a_required_attribute_is_parked(lost):
    kept = {name: value for name, value in attributes(FULL).items() if name != lost}
    with pytest.raises(Poison):
        from_attributes(FULL.topic, FULL.key, kept, FULL.data)
