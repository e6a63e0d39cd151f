"""Access's tables, on its own registry and schema."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column, Date, DateTime, Index, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.access.domain.sessions import Sessions
from services.access.domain.units import Unit
from shared.changes import Kind
from shared.db.tables import delivery_tables, document_columns

SCHEMA = "access"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
_MOMENT = DateTime(timezone=True)

NODE_TABLE = Table(
    "node",
    metadata,
    *document_columns(),
    Column("code", Text, nullable=False),
    Column("parent", Text),
    Column("region", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    UniqueConstraint("code", name="node_code"),
    Index("node_parent", "parent"),
)
"""The units themselves; the table `unit` is the local copy that every service has, this one too."""


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Base of access's plain rows."""

    metadata: ClassVar[MetaData] = metadata


class AccountRow(Base, table=True):
    """Who may sign in; `secret` is the argon2 hash. An account is disabled, never removed."""

    __tablename__ = "account"

    id: UUID = Field(primary_key=True)
    account: str = Field(unique=True)
    name: str
    kind: str
    secret: str
    scopes: list[str] = Field(sa_type=JSONB)
    person_ref: str | None
    created_at: datetime = Field(sa_type=_MOMENT)
    disabled_at: datetime | None = Field(sa_type=_MOMENT)


class AssignmentRow(Base, table=True):
    """A role held in a unit, by one's own right or as a stand-in."""

    __tablename__ = "assignment"

    id: UUID = Field(primary_key=True)
    account: str = Field(index=True)
    role: str
    unit: str | None
    valid_from: date | None
    valid_to: date | None
    stand_in_for: str | None


class RelativeRow(Base, table=True):
    """A near relative (近亲属) of a member of staff, registered apart (民发〔2021〕57号第十一条); a reference, no name."""

    __tablename__ = "relative"

    account: str = Field(primary_key=True)
    person_ref: str = Field(primary_key=True)
    relation: str
    declared_at: datetime = Field(sa_type=_MOMENT)
    declared_by: str


class FailureRow(Base, table=True):
    """Wrong tries to sign in, by a hash of the name (people type secrets into the wrong field) or of the address."""

    __tablename__ = "sign_in_failure"

    name_hash: str = Field(primary_key=True)
    failures: int
    last_at: datetime = Field(sa_type=_MOMENT, index=True)


def _node_columns(unit: Unit) -> dict[str, object]:
    return unit.facts.model_dump(include={"code", "parent", "region", "valid_from", "valid_to"})


SESSIONS_TABLE = Table("sessions", metadata, *document_columns())


class LinkRow(Base, table=True):
    """Whom an outside issuer's subject signs in as; the subject is kept as a keyed reference only."""

    __tablename__ = "outside_link"

    subject: str = Field(primary_key=True)
    account: str = Field(unique=True)
    linked_at: datetime = Field(sa_type=_MOMENT)


SESSIONS = Kind("sessions", Sessions, SESSIONS_TABLE)
UNIT = Kind("unit", Unit, NODE_TABLE, _node_columns)
