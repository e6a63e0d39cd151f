"""The embedded PostgreSQL: one cluster a data folder, started, found again and stopped by the platform itself."""

from shared.db.postgres.address import PostgresAddress
from shared.db.postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "PostgresAddress"]
