"""The coordinator's rows: one document a case, one row a task, and the delivery tables."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text

from shared.db.tables import delivery_tables, document_columns
from shared.handling.tables import task_table

SCHEMA = "coordinator"
metadata = MetaData(schema=SCHEMA)

DELIVERY = delivery_tables(metadata)

CASE = Table(
    "case",
    metadata,
    *document_columns(),
    Column("application_no", Text, nullable=False, unique=True),
    Column("bundle", Text),
    Column("region", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("open_count", Integer, nullable=False),
    Column("requested_unanswered_since", DateTime(timezone=True)),
    Column("new_findings", Integer, nullable=False, server_default="0"),
    Index("case_new_findings", "new_findings", postgresql_where="new_findings > 0"),
    Index(
        "case_unanswered",
        "requested_unanswered_since",
        postgresql_where="requested_unanswered_since IS NOT NULL",
    ),
)

TASK = task_table(metadata)
