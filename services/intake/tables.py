"""Intake's tables, on its own registry and schema."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.intake.domain.model import Application, Draft
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


TIMELINE = metadata.tables[f"{SCHEMA}.timeline"]
HOLDING = metadata.tables[f"{SCHEMA}.holding"]
DEFINITION = metadata.tables[f"{SCHEMA}.definition"]
SEQUENCE = metadata.tables[f"{SCHEMA}.sequence"]


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


APPLICATION = Kind("application", Application, APPLICATION_TABLE, _application_columns)
DRAFT = Kind("draft", Draft, DRAFT_TABLE, _draft_columns)
