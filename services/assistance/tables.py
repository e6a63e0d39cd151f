"""The tables of social assistance, in its own schema: items and tasks, and what came of decisions in force.

No account stands here: the payee of a settlement lies sealed in its item's part.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from shared.db.tables import delivery_tables
from shared.handling.tables import handling_tables
from shared.stops.tables import stop_tables

SCHEMA = "assistance"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
HANDLING = handling_tables(metadata)

STOPPED = stop_tables(metadata)

HOUSEHOLD_REVIEW = Table(
    "household_review",
    metadata,
    Column("item_id", UUID, primary_key=True),
    Column("case_id", UUID, nullable=False),
    Column("person_ref", Text),
    Column("region", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("members_before", Integer, nullable=False),
    Column("members_after", Integer, nullable=False),
    Column("before_fen", BigInteger, nullable=False),
    Column("after_fen", BigInteger),
    Column("from_month", Text),
    Column("heard_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("law", Text, nullable=False),
    Index("household_review_person", "person_ref"),
)
"""Households to be counted anew after a member's death: open, reassessed, unchanged."""

RELIEF = Table(
    "relief",
    metadata,
    Column("item_id", UUID, primary_key=True),
    Column("person_ref", Text),
    Column("region", Text, nullable=False),
    Column("hardship_type", Text, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Index("relief_person", "person_ref"),
)
"""Temporary relief granted; the account lies sealed in the item's part."""
