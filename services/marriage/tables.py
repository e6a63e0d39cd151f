"""The marriage service's tables: items and tasks, and the annotations made in the register."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Index, MetaData, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db.tables import delivery_tables
from shared.handling.tables import handling_tables

SCHEMA = "marriage"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
HANDLING = handling_tables(metadata)


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's plain rows."""

    metadata: ClassVar[MetaData] = metadata


class AnnotationRow(Base, table=True):
    """One annotation (标注) on a record: whose status is what since when; names and numbers lie sealed in `content`.

    It is in_force, suspended while the death is in doubt, or reversed.
    """

    __tablename__ = "annotation"
    __table_args__ = (Index("annotation_person", "person_ref"),)

    id: UUID = Field(primary_key=True)
    item_id: UUID = Field(index=True)
    region: str
    person_ref: str
    deceased_ref: str | None
    status: str
    effective_on: date
    annotated_at: datetime = Field(sa_type=DateTime(timezone=True))
    content: str
    state: str = Field(default="in_force", sa_column_kwargs={"server_default": "in_force"}, sa_type=Text)


ANNOTATION = metadata.tables[f"{SCHEMA}.annotation"]
