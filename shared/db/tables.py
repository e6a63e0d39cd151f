"""The delivery tables that every service has in its own schema, made for a service's own metadata.

They are plain SQLAlchemy tables: nothing maps them to objects, the unit of work writes them by `unnest`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, UUID

from shared.release import FIRST

NOW = text("clock_timestamp()")
DOCUMENT = "document"
"""Marks, in a column's `info`, a document that is rewritten again and again (see `shared/db/migrate.py`)."""


@dataclass(frozen=True)
class DeliveryTables:
    """A service's outbox, timers, asks, parked messages, positions, resets, audit rows and their chain, idempotency
    keys, units, ended sessions."""

    outbox: Table
    timer: Table
    ask: Table
    parked: Table
    stream: Table
    position: Table
    reset: Table
    audit: Table
    audit_seal: Table
    audit_head: Table
    audit_export: Table
    idempotency: Table
    unit: Table
    ended: Table


def document_columns() -> list[Column[object]]:
    """The columns of every aggregate's table: id, version, the state as JSON and the release whose shape it has
    (`Kind.since`, as a number); promoted columns come beside.

    The state is kept as the text that was written, since it is read whole: taking it apart would only cost.
    """
    return [
        Column("id", UUID, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("body", JSON, nullable=False, info={DOCUMENT: True}),
        Column("release", Integer, nullable=False, server_default=text(str(FIRST.number))),
    ]


def delivery_tables(metadata: MetaData) -> DeliveryTables:
    """Declares the delivery tables on a service's metadata (which names its schema)."""
    return DeliveryTables(
        outbox=_outbox(metadata),
        timer=_timer(metadata),
        ask=_ask(metadata),
        parked=_parked(metadata),
        stream=_stream(metadata),
        position=_position(metadata),
        reset=_reset(metadata),
        audit=_audit(metadata),
        audit_seal=_audit_seal(metadata),
        audit_head=_audit_head(metadata),
        audit_export=_audit_export(metadata),
        idempotency=_idempotency(metadata),
        unit=_unit(metadata),
        ended=_ended(metadata),
    )


def _envelope_columns(headers: type[JSON]) -> list[Column[object]]:
    return [
        Column("event_id", UUID, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("key", Text, nullable=False),
        Column("headers", headers, nullable=False),
        Column("data", LargeBinary, nullable=False),
    ]


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        *_envelope_columns(JSON),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Column("refused", Text, comment="why the bus did not take it, or that one before it of its key was not taken"),
        Index("outbox_refused", "topic", "key", postgresql_where=text("refused IS NOT NULL")),
    )


def _timer(metadata: MetaData) -> Table:
    return Table(
        "timer",
        metadata,
        Column("id", UUID, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("aggregate_id", UUID, nullable=False),
        Column("name", Text, nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("data", JSONB, nullable=False),
        Index("timer_due", "due_at"),
    )


def _ask(metadata: MetaData) -> Table:
    return Table(
        "ask",
        metadata,
        Column("id", UUID, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("aggregate_id", UUID, nullable=False),
        Column("name", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("question", Text, nullable=False),
        Column("effect", Boolean, nullable=False),
        Column("state", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_try_at", DateTime(timezone=True), nullable=False),
        Column("owner", Integer),
        Column("lease_until", DateTime(timezone=True)),
        Column("asked_at", DateTime(timezone=True), nullable=False),
        Index("ask_open", "next_try_at", postgresql_where=text("state IN ('open', 'in_doubt')")),
    )


def _parked(metadata: MetaData) -> Table:
    return Table(
        "parked",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        *_envelope_columns(JSONB),
        Column("offset", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("needs", Integer, comment="the release that takes it up by itself, as a number"),
        Column("state", Text, nullable=False),
        Column("parked_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Index("parked_key", "key"),
        Index("parked_once", "topic", "partition", "offset", unique=True),
    )


def _stream(metadata: MetaData) -> Table:
    return Table(
        "stream",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("aggregate_id", Text, primary_key=True),
        Column("version", BigInteger, nullable=False),
    )


def _position(metadata: MetaData) -> Table:
    return Table(
        "position",
        metadata,
        Column("bus", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
    )


def _reset(metadata: MetaData) -> Table:
    return Table(
        "reset",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("target", Text, nullable=False),
        Column("skip", Boolean, nullable=False),
        Column("state", Text, nullable=False),
        Column("proposed_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("proposed_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Column("second_by", Text),
        Column("second_reason", Text),
        Column("moved_from", BigInteger),
        Column("moved_to", BigInteger),
        Index("reset_open", "topic", "partition", postgresql_where=text("state IN ('proposed', 'wanted')")),
    )


def _audit(metadata: MetaData) -> Table:
    return Table(
        "audit",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("aggregate_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("cause", Text),
        Column("detail", JSONB),
        Index("audit_reading", "aggregate_id", postgresql_where=text("action = 'reading'")),
    )


def _audit_seal(metadata: MetaData) -> Table:
    return Table(
        "audit_seal",
        metadata,
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("low", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("seqs", ARRAY(BigInteger), nullable=False),
        Column("digests", LargeBinary, nullable=False),
        Column("previous", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("sealed_at", DateTime(timezone=True), nullable=False),
    )


def _audit_head(metadata: MetaData) -> Table:
    return Table(
        "audit_head",
        metadata,
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("kid", Text, nullable=False),
        Column("signature", LargeBinary, nullable=False),
    )


def _audit_export(metadata: MetaData) -> Table:
    return Table(
        "audit_export",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("proposed_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("proposed_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Column("second_by", Text),
        Column("second_reason", Text),
        Column("second_at", DateTime(timezone=True)),
    )


def _idempotency(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        Column("principal", Text, primary_key=True),
        Column("route", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    )


def _unit(metadata: MetaData) -> Table:
    return Table(
        "unit",
        metadata,
        Column("code", Text, primary_key=True),
        Column("parent", Text),
        Column("body", JSONB, nullable=False),
    )


def _ended(metadata: MetaData) -> Table:
    return Table(
        "ended_session",
        metadata,
        Column("session", UUID, primary_key=True),
        Column("until", DateTime(timezone=True), nullable=False),
    )
