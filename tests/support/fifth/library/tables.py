"""The library's tables: items and tasks, and its readers' cards."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from sqlalchemy import Index, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db.tables import delivery_tables
from shared.handling.tables import handling_tables

SCHEMA = "library"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
HANDLING = handling_tables(metadata)


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's plain rows."""

    metadata: ClassVar[MetaData] = metadata


class CardRow(Base, table=True):
    """A reader's card."""

    __tablename__ = "card"
    __table_args__ = (Index("card_person", "person_ref"),)

    card_no: str = Field(primary_key=True)
    person_ref: str
    cancelled_on: date | None = None


CARD = metadata.tables[f"{SCHEMA}.card"]
