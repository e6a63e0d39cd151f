"""The rows of the simulated messenger; the schema exists only where the demonstration runs."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(schema="messages")

SIMULATED = Table(
    "simulated",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("way", Text, nullable=False),
    Column("to", Text, comment="masked: nobody is reached by it, so nobody need be known by it"),
    Column("text", Text, nullable=False),
    Column("about", Text, nullable=False),
    Index("simulated_about", "about"),
)
