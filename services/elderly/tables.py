"""The tables of care for the old, in its own schema: items and tasks, and what came of decisions in force.

No account stands here: the payee of a settlement lies sealed in its item's part.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.db.tables import delivery_tables
from shared.handling.tables import handling_tables

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

STOP = Table(
    "stop",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("item_id", UUID, nullable=False),
    Column("person_ref", Text),
    Column("scheme", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("from_month", Text, nullable=False),
    Column("monthly_fen", BigInteger, nullable=False),
    Column("owed_fen", BigInteger, nullable=False),
    Column("overpaid_fen", BigInteger, nullable=False),
    Column("stopped_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="in_force"),
    Index("stop_item", "item_id"),
    Index("stop_person", "person_ref"),
)
"""Benefits ended by a death, one row a scheme: in_force, suspended while the death is in doubt, reversed."""

SETTLEMENT = Table(
    "settlement",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("item_id", UUID, nullable=False),
    Column("person_ref", Text),
    Column("region", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("settlement_item", "item_id"),
)
"""Money that follows a stop: `owed` (payable, payee_wanted, unclaimed) or `overpaid` (proposed, to_recover, waived); both
may be suspended or reversed. After a reversal: `arrears` (payable) and `heir_recovery` (proposed, to_recover, waived)."""
