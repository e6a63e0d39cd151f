"""Intake's tables, on its own registry and schema."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.intake.domain.files import File
from services.intake.domain.model import Application, Draft
from services.intake.domain.papers.model import Moment
from shared.changes import Kind
from shared.db.tables import delivery_tables, document_columns
from shared.handling.tables import task_table

SCHEMA = "intake"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
TASK = task_table(metadata)
_MOMENT = DateTime(timezone=True)

APPLICATION_TABLE = Table(
    "application",
    metadata,
    *document_columns(),
    Column("application_no", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("unit", Text),
    Column("status", Text, nullable=False),
    Column("applicant_ref", Text, nullable=False),
    Column("subject_ref", Text),
    Column("applicant_name", Text, nullable=False),
    Column("subject_name", Text),
    Column("received_at", _MOMENT, nullable=False),
    Column("query_code", Text, nullable=False),
    Column("owner", Text),
    Column("handled_in", Text),
    UniqueConstraint("application_no", name="application_number"),
    Index("application_applicant", "applicant_ref"),
    Index("application_subject", "subject_ref"),
    Index("application_applicant_name", "applicant_name"),
    Index("application_subject_name", "subject_name"),
    Index("application_received", "received_at", "id"),
)

DRAFT_TABLE = Table(
    "draft",
    metadata,
    *document_columns(),
    Column("owner", Text, nullable=False),
    Column("expires_at", _MOMENT, nullable=False),
    Index("draft_owner", "owner"),
)

FILE_TABLE = Table(
    "file",
    metadata,
    *document_columns(),
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("case_id", postgresql.UUID),
    Column("at", _MOMENT, nullable=False),
    Index("file_case", "case_id"),
    Index("file_waiting", "owner", postgresql_where=text("case_id IS NULL AND state <> 'gone'")),
)


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Base of intake's plain rows."""

    metadata: ClassVar[MetaData] = metadata


class TimelineRow(Base, table=True):
    """One line of what happened, in words a citizen understands and without a personal datum."""

    __tablename__ = "timeline"

    case_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=_MOMENT)
    kind: str
    text_zh: str
    text_en: str


class HoldingRow(Base, table=True):
    """Who has or asks for what. The partial index lets one of two simultaneous duplicates through, never both."""

    __tablename__ = "holding"
    __table_args__ = (
        Index("holding_once", "matter", "whose", unique=True, postgresql_where=text("blocks")),
        Index("holding_whose", "whose", "matter"),
    )

    item_id: UUID = Field(primary_key=True)
    whose: str = Field(primary_key=True)
    matter: str
    application_no: str
    case_id: UUID
    state: str
    blocks: bool


class DefinitionRow(Base, table=True):
    """A version of the catalogue that cases may have pinned: append-only."""

    __tablename__ = "definition"

    sha: str = Field(primary_key=True)
    body: str = Field(sa_type=JSONB)
    effective: date


class SequenceRow(Base, table=True):
    """The last sequence given out for a region's application numbers on a day; gaps are allowed."""

    __tablename__ = "sequence"

    region: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    last: int


class BarRow(Base, table=True):
    """Who may commit to nothing more, since an earlier commitment was false, until that is repaired (lifted)."""

    __tablename__ = "commitment_bar"

    person_ref: str = Field(primary_key=True)
    case_id: UUID
    since: datetime = Field(sa_type=_MOMENT)
    lifted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    lifted_by: str | None = None


PAPER = Table(
    "paper",
    metadata,
    Column("id", postgresql.UUID, primary_key=True),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("made_at", _MOMENT, nullable=False),
    Column("moment", Text, nullable=False, comment="what it rests on; what is personal in it is sealed"),
    Column("number", Text),
    Column("digest", Text, comment="of the whole content, named with its algorithm"),
    Column("content", Text, comment="sealed"),
    Column("held", Text, comment="why it cannot be issued yet"),
    Column("unsealed", Boolean, nullable=False, server_default=text("false"), comment="a seal is still to be had"),
    UniqueConstraint("number", name="paper_number_once"),
    Index("paper_case", "case_id", "made_at"),
    Index("paper_unsealed", "made_at", postgresql_where=text("unsealed")),
    Index("paper_held", "case_id", postgresql_where=text("held IS NOT NULL")),
    Index("paper_waiting", "made_at", postgresql_where=text("number IS NULL AND held IS NULL")),
)
"""Papers (文书). A row without a number was made and is issued within a second; with one it never changes."""

PAPER_SEQUENCE = Table(
    "paper_sequence",
    metadata,
    Column("organ", Text, primary_key=True),
    Column("word", Text, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last number of an organ's papers of one word in a Beijing year; taken in the commit that issues, so without gaps."""

PAPER_SIGNATURE = Table(
    "paper_signature",
    metadata,
    Column("paper_id", postgresql.UUID, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("signer", Text, nullable=False, comment="an account, `system` for a rule, or a seal's name"),
    Column("role", Text, nullable=False),
    Column("method", Text, nullable=False, comment="rule, account, seal, handwriting or fingerprint"),
    Column("at", _MOMENT, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("provider", Text),
    Column("provider_no", Text),
    Column("witnesses", JSON, comment="who saw a fingerprint taken"),
)
"""Who signed a paper, and which seal is under it."""

PAPER_DELIVERY = Table(
    "paper_delivery",
    metadata,
    Column("id", postgresql.UUID, primary_key=True),
    Column("paper_id", postgresql.UUID, nullable=False),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("method", Text, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("receiver", Text, comment="sealed"),
    Column("relation", Text),
    Column("proof_file_id", postgresql.UUID),
    Column("by", Text, nullable=False),
    Column("recorded_at", _MOMENT, nullable=False),
    Column("effective", Boolean, nullable=False),
    Column("takes_effect", _MOMENT, nullable=False),
    Index("paper_delivery_once", "paper_id", unique=True, postgresql_where=text("effective")),
    Index("paper_delivery_paper", "paper_id"),
)
"""Deliveries (送达): one of a paper counts, further ones are evidence."""

MESSAGE = Table(
    "message",
    metadata,
    Column("case_id", postgresql.UUID, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("made_at", _MOMENT, nullable=False),
    Column("due_at", _MOMENT, nullable=False),
    Column("state", Text, nullable=False, comment="waiting, sent, failed, covered by another, or expired"),
    Column("tries", Integer, nullable=False),
    Column("lease_until", _MOMENT, comment="real time: somebody is sending it"),
    Index("message_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
)
"""What an applicant is to be told: of one topic a case says one thing at a time."""

MESSAGE_ATTEMPT = Table(
    "message_attempt",
    metadata,
    Column("case_id", postgresql.UUID, primary_key=True),
    Column("id", postgresql.UUID, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("fate", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_no", Text),
)
"""What was handed to a provider, how often, and what it last said; no number, no name."""

TIMELINE = metadata.tables[f"{SCHEMA}.timeline"]
HOLDING = metadata.tables[f"{SCHEMA}.holding"]
DEFINITION = metadata.tables[f"{SCHEMA}.definition"]
BAR = metadata.tables[f"{SCHEMA}.commitment_bar"]


def _application_columns(a: Application) -> dict[str, object]:
    return {
        "application_no": a.application_no,
        "region": a.accept_region,
        "unit": a.unit,
        "status": a.status.value,
        "applicant_ref": a.applicant_ref,
        "subject_ref": a.subject_ref,
        "applicant_name": a.applicant_name,
        "subject_name": a.subject_name,
        "received_at": a.received_at,
        "query_code": a.query_code,
        "owner": a.owner,
        "handled_in": " ".join(a.handled_in) or None,
    }


def _draft_columns(d: Draft) -> dict[str, object]:
    return {"owner": d.owner, "expires_at": d.expires_at}


def _file_columns(f: File) -> dict[str, object]:
    return {"owner": f.owner, "state": f.state, "case_id": f.case_id, "at": f.at}


APPLICATION = Kind("application", Application, APPLICATION_TABLE, _application_columns, beside=(Moment,))
DRAFT = Kind("draft", Draft, DRAFT_TABLE, _draft_columns)
FILE = Kind("file", File, FILE_TABLE, _file_columns)


def not_newer(case_id: str) -> str:
    """SQL: the application of this id was not written by a release that stores more than this one knows."""
    newer = f"SELECT FROM intake.application n WHERE n.id = {case_id} AND n.release > {APPLICATION.since.number}"
    return f"NOT EXISTS ({newer})"
