"""The rows that the simulator of sources reads; the schema exists only where the demonstration runs."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="facts")

SIMULATED = Table(
    "simulated",
    metadata,
    Column("source", Text, primary_key=True),
    Column("subject", Text, primary_key=True, comment="a keyed reference, never an identity number"),
    Column("status", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("source_no", Text),
    Column("available_at", DateTime(timezone=True), comment="silent before this moment of business time"),
    Column("silent_times", Integer, nullable=False, comment="so many times silent first"),
    Column("asked", Integer, nullable=False),
)
