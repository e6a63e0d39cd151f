"""The funeral service's tables: items and tasks, reported cremations, lines of the settlement with the homes."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, Index, MetaData, Table, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.funeral.domain.reports import KIND, Cremation
from shared.changes import Kind
from shared.db.tables import delivery_tables, document_columns
from shared.handling.tables import handling_tables

SCHEMA = "funeral"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
HANDLING = handling_tables(metadata)

CREMATION_TABLE = Table(
    "cremation",
    metadata,
    *document_columns(),
    Column("person_ref", Text, nullable=False),
    Column("home_no", Text, nullable=False),
    Column("cremated_on", Date, nullable=False),
    Index("cremation_person", "person_ref"),
    Index("cremation_home", "home_no", "cremated_on", "id"),
)


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's plain rows."""

    metadata: ClassVar[MetaData] = metadata


class SettlementLineRow(Base, table=True):
    """One item waived for one person: the home's claim on the month's settlement (馆×月), in fen.

    It is in_force, suspended while the death is in doubt, reversed; then deducted from the home, or written_off.
    """

    __tablename__ = "settlement_line"
    __table_args__ = (
        Index(
            "waived_once",
            "person_ref",
            "code",
            unique=True,
            postgresql_where=text("state IN ('in_force', 'suspended')"),
        ),
        Index("settlement_batch", "home_no", "month"),
    )

    id: UUID = Field(primary_key=True)
    item_id: UUID
    application_no: str
    person_ref: str
    home_no: str
    month: str
    code: str
    quantity: int
    charged_fen: int = Field(sa_type=BigInteger)
    waived_fen: int = Field(sa_type=BigInteger)
    settled_on: date
    state: str = Field(default="in_force", sa_column_kwargs={"server_default": "in_force"}, sa_type=Text)


SETTLEMENT_LINE = metadata.tables[f"{SCHEMA}.settlement_line"]


def _columns(cremation: Cremation) -> dict[str, object]:
    return {
        "person_ref": cremation.person_ref,
        "home_no": cremation.home_no,
        "cremated_on": cremation.cremated_on,
    }


CREMATION = Kind(KIND, Cremation, CREMATION_TABLE, _columns)
