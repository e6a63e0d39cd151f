"""The tables of what a death ended, in a service's own schema.

No account stands here: the payee of a settlement lies sealed in its item's part.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID


@dataclass(frozen=True)
class StopTables:
    """`stop`: benefits ended by a death, one row a scheme: in_force, suspended while the death is in doubt, reversed.

    `settlement`: money that follows a stop: `owed` (payable, payee_wanted, unclaimed) or `overpaid` (proposed, to_recover,
    waived); both may be suspended or reversed. After a reversal: `arrears` (payable) and `heir_recovery` (proposed,
    to_recover, waived).
    """

    stop: Table
    settlement: Table


def stop_tables(metadata: MetaData) -> StopTables:
    """Adds both tables to a service's metadata."""
    return StopTables(_stop(metadata), _settlement(metadata))


def _stop(metadata: MetaData) -> Table:
    return Table(
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


def _settlement(metadata: MetaData) -> Table:
    return Table(
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
