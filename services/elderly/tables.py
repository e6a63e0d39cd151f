"""The tables of care for the old, in its own schema: items and tasks, and what came of decisions in force.

No account stands here: the payee of a settlement lies sealed in its item's part.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from shared.db.tables import delivery_tables
from shared.handling.tables import handling_tables
from shared.stops.tables import stop_tables

SCHEMA = "elderly"
metadata = MetaData(schema=SCHEMA)
DELIVERY = delivery_tables(metadata)
HANDLING = handling_tables(metadata)

BENEFIT = Table(
    "benefit",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_ref", Text),
    Column("scheme", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("monthly_fen", BigInteger, nullable=False),
    Column("from_month", Text, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Index("benefit_person", "person_ref", "scheme"),
)
"""Allowances granted here; `id` is the item's."""

STOPPED = stop_tables(metadata)
