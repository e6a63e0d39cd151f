"""Migrations: every service has its own schema, its own role and its own Alembic history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.engine import mapped_errors, role_of
from shared.db.releases import TABLE, Releases, remember, require_able, these_releases
from shared.db.tables import DOCUMENT

if TYPE_CHECKING:
    from shared.spec import ServiceSpec

UNMANAGED = ("alembic_version", TABLE)
EXTENSIONS = ("btree_gist", "pg_trgm")
LOCK = 7_420_113
FILLED = 60
"""Percent of a page of documents that is filled at first."""

APPEND_ONLY = frozenset({"audit", "audit_seal", "audit_head"})
"""Tables whose rows a service may write and read, never change or remove. Who logs in as itself owns its tables: its own
rights are taken from it too, which keeps a fault of ours from doing harm; an owner could give them back to itself."""


def _engine_url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1).replace("postgres://", "postgresql+asyncpg://", 1)


async def migrate(dsn: str, specs: Sequence[ServiceSpec], releases: Releases | None = None) -> list[str]:
    """Brings every service's schema to its newest revision; safe to repeat and to run in several processes.

    Returns the names of the services that changed. A schema that a newer release has changed is left as it is;
    `Misconfigured` when this release can no longer work on it.
    """
    of = releases or these_releases()
    engine = create_async_engine(_engine_url(dsn))
    try:
        with mapped_errors():
            async with engine.begin() as conn:
                await conn.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                for extension in EXTENSIONS:
                    await conn.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
                changed = [spec.name for spec in specs if await conn.run_sync(_upgrade, spec, of)]
                for spec in specs:
                    if spec.name in changed:
                        await conn.run_sync(_grant, spec)
                        await conn.run_sync(_give_room, spec)
    finally:
        await engine.dispose()
    return changed


async def create_tables(dsn: str, metadata: MetaData) -> None:
    """Makes a schema's tables if they are missing: for the demonstration's own rows, which have no history."""
    engine = create_async_engine(_engine_url(dsn))
    try:
        with mapped_errors():
            async with engine.begin() as conn:
                await conn.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                await conn.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{metadata.schema}"'))
                await conn.run_sync(metadata.create_all)
    finally:
        await engine.dispose()


def _script(folder: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _context(conn: Connection, spec: ServiceSpec, **further: Any) -> MigrationContext:
    return MigrationContext.configure(
        conn,
        opts={
            "version_table_schema": spec.name,
            "target_metadata": spec.metadata,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == spec.name,
            "include_object": lambda _, name, kind, *__: not (kind == "table" and name in UNMANAGED),
            **further,
        },
    )


def _upgrade(conn: Connection, spec: ServiceSpec, releases: Releases) -> bool:
    script = _script(spec.migrations)
    exists = conn.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": spec.name}).scalar()
    if not exists:
        conn.execute(text(f'CREATE SCHEMA "{spec.name}"'))
    revision = _context(conn, spec).get_current_revision() if exists else None
    known = revision is None or any(one.revision == revision for one in script.walk_revisions())
    require_able(conn, spec.name, releases, revision, known=known)
    if known:
        remember(conn, spec.name, releases)
    if not known or (exists and revision == script.get_current_head()):
        return False
    with EnvironmentContext(
        script.env_config if hasattr(script, "env_config") else Config(),
        script,
        fn=lambda revision, _: script._upgrade_revs("head", revision),  # noqa: SLF001 — what Alembic's own command does
    ) as environment:
        environment.configure(connection=conn, target_metadata=spec.metadata, version_table_schema=spec.name)
        environment.run_migrations()
    return True


def _grant(conn: Connection, spec: ServiceSpec) -> None:
    role, schema = role_of(spec.name), spec.name
    owner = conn.execute(text("SELECT CURRENT_USER")).scalar() == role
    if not owner:  # else it logs in as itself
        if not conn.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar():
            conn.execute(text(f"CREATE ROLE {role} NOLOGIN"))
        conn.execute(text(f"GRANT {role} TO CURRENT_USER WITH SET TRUE"))
    conn.execute(text(f'GRANT USAGE ON SCHEMA "{schema}" TO {role}'))
    conn.execute(text(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO {role}'))
    for table in spec.metadata.sorted_tables:
        rights = "SELECT, INSERT" if table.name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        if owner and table.name in APPEND_ONLY:
            conn.execute(text(f'REVOKE ALL ON "{schema}"."{table.name}" FROM {role}'))
        conn.execute(text(f'GRANT {rights} ON "{schema}"."{table.name}" TO {role}'))


def _give_room(conn: Connection, spec: ServiceSpec) -> None:
    """How documents lie on disk: uncompressed, most of one being sealed, and with room beside each row, so that one
    that is rewritten stays on its page and no index need follow it."""
    for table in spec.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get(DOCUMENT):
                how = f'ALTER COLUMN "{column.name}" SET STORAGE EXTERNAL, SET (fillfactor = {FILLED})'
                conn.execute(text(f'ALTER TABLE "{spec.name}"."{table.name}" {how}'))


async def differences(dsn: str, spec: ServiceSpec) -> list[Any]:
    """What the schema in the database lacks or has beyond the service's tables; empty when they agree."""
    engine = create_async_engine(_engine_url(dsn))
    try:
        async with engine.connect() as conn:
            return await conn.run_sync(lambda c: compare_metadata(_context(c, spec), spec.metadata))
    finally:
        await engine.dispose()


async def draft_revision(dsn: str, spec: ServiceSpec, message: str) -> Path | None:
    """Writes the next revision of a service from what its tables have and the database lacks; None if nothing."""
    engine = create_async_engine(_engine_url(dsn))
    try:
        async with engine.connect() as conn:
            body = await conn.run_sync(_render, spec)
    finally:
        await engine.dispose()
    if body is None:
        return None
    folder = spec.migrations / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("[0-9]*.py"))) + 1
    path = folder / f"{number:04d}_{message.replace(' ', '_')}.py"
    path.write_text(_revision_file(number, message, body, spec), encoding="utf-8")
    return path


def _render(conn: Connection, spec: ServiceSpec) -> tuple[str, str] | None:
    script = produce_migrations(_context(conn, spec, compare_server_default=False), spec.metadata)
    if script.upgrade_ops is None or script.downgrade_ops is None or script.upgrade_ops.is_empty():
        return None
    return (
        render_python_code(script.upgrade_ops, sqlalchemy_module_prefix="sa.", alembic_module_prefix="op."),
        render_python_code(script.downgrade_ops, sqlalchemy_module_prefix="sa.", alembic_module_prefix="op."),
    )


def _revision_file(number: int, message: str, body: tuple[str, str], spec: ServiceSpec) -> str:
    up, down = _plain(body[0]), _plain(body[1])
    before = f'"{number - 1:04d}"' if number > 1 else "None"
    postgresql = "from sqlalchemy.dialects import postgresql\n" if "postgresql." in up + down else ""
    return (
        f'"""{spec.name}: {message}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n{postgresql}\n'
        f'revision = "{number:04d}"\ndown_revision = {before}\n\n\n'
        f'def upgrade() -> None:\n    """Expands the schema."""\n    {up}\n\n\n'
        f'def downgrade() -> None:\n    """Takes it back."""\n    {down}\n'
    )


def _plain(code: str) -> str:
    """The operations in SQLAlchemy's own types, so that a revision outlives the library that declared the row."""
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("# ###")]
    plain = "\n".join(lines).strip()
    return plain.replace("=Text()", "=sa.Text()").replace("sqlmodel.sql.sqltypes.AutoString(", "sa.String(")
