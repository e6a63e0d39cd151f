"""The tables of handling: one document an item, and one row a task for lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.changes import Kind
from shared.db.tables import document_columns
from shared.handling.model import Item

ITEM = "item"
"""The name of the kind of aggregate that handling services keep."""


@dataclass(frozen=True)
class HandlingTables:
    """A handling service's items and the projection of its tasks."""

    item: Table
    task: Table


def handling_tables(metadata: MetaData) -> HandlingTables:
    """Declares the tables `item` and `task` on a service's metadata (which names its schema)."""
    return HandlingTables(item=_item_table(metadata), task=task_table(metadata))


def item_kind(tables: HandlingTables) -> Kind[Item]:
    """How items are stored, with the columns promoted for lookups."""
    return Kind(ITEM, Item, tables.item, item_columns)


def item_columns(item: Item) -> Mapping[str, Any]:
    """The promoted columns of an item."""
    return {
        "case_id": item.case_id,
        "application_no": item.application_no,
        "matter": item.matter,
        "person_ref": item.person_ref,
        "phase": item.phase,
        "unit": item.unit,
        "region": item.region,
    }


def _item_table(metadata: MetaData) -> Table:
    return Table(
        "item",
        metadata,
        *document_columns(),
        Column("case_id", UUID, nullable=False),
        Column("application_no", Text, nullable=False),
        Column("matter", Text, nullable=False),
        Column("person_ref", Text),
        Column("phase", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("region", Text, nullable=False),
        Index("item_case", "case_id"),
        Index("item_person", "person_ref", "matter"),
    )


def task_table(metadata: MetaData) -> Table:
    """Declares the list of tasks alone, for a service that has tasks but no items of this kind."""
    return Table(
        "task",
        metadata,
        Column("id", UUID, primary_key=True),
        Column("aggregate_id", UUID, nullable=False),
        Column("kind", Text, nullable=False),
        Column("stage", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("matter", Text),
        Column("application_no", Text),
        Column("case_id", UUID),
        Column("item_id", UUID),
        Column("unit", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("due", Date, nullable=False),
        Column("provisional", Boolean, nullable=False),
        Column("holder", Text),
        Column("lease_until", DateTime(timezone=True)),
        Column("reason_code", Text, nullable=False),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        Column("closed_at", DateTime(timezone=True)),
        Column("data", JSONB, nullable=False),
        Index("task_list", "state", "due", "id"),
        Index("task_holder", "holder"),
        Index("task_aggregate", "aggregate_id"),
    )
