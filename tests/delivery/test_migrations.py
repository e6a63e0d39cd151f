"""Migrations: they make what the tables say, twice is once, and a service sees its own schema only."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.catalog.registry import load
from shared.db.migrate import differences, migrate
from shared.db.releases import Releases, later_release
from shared.errors import Misconfigured
from shared.release import FIRST, Release
from shared.runtime.host import load_specs
from shared.spec import ServiceSpec

SPECS = load_specs(load())


async def test_migrating_twice_and_at_once_changes_nothing_the_second_time(dsn: str) -> None:
    names = [spec.name for spec in SPECS]
    first, second = await asyncio.gather(migrate(dsn, SPECS), migrate(dsn, SPECS))
    assert sorted([first, second], key=len) == [[], names]
    assert await migrate(dsn, SPECS) == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
async def test_the_migrations_make_what_the_tables_say(dsn: str, spec: ServiceSpec) -> None:
    await migrate(dsn, [spec])
    assert await differences(dsn, spec) == []


LATER = Release(0, 2)


async def changed_by(dsn: str, spec: ServiceSpec, later: Release, beside: Release, revision: str | None) -> None:
    """A later release has been here, and has gone further than this one's migrations."""
    await migrate(dsn, [spec], Releases(later, beside))
    if revision is not None:
        conn = await asyncpg.connect(dsn)
        await conn.execute(f"UPDATE \"{spec.name}\".alembic_version SET version_num = '{revision}'")
        await conn.close()


@pytest.mark.parametrize("revision", [None, "9999"], ids=["known", "unknown"])
async def test_the_release_before_goes_on_beside_the_next_and_leaves_the_schema_as_it_is(
    dsn: str, revision: str | None
) -> None:
    await changed_by(dsn, SPECS[0], LATER, FIRST, revision)
    assert await migrate(dsn, [SPECS[0]], Releases(FIRST)) == []
    conn = await asyncpg.connect(dsn)
    found = await conn.fetchval(f'SELECT version_num FROM "{SPECS[0].name}".alembic_version')
    assert revision in {None, found}
    assert await later_release(conn, SPECS[0].name) == LATER
    await conn.close()


@pytest.mark.parametrize("revision", [None, "9999"], ids=["known", "unknown"])
async def test_a_release_two_steps_behind_stops_with_a_sentence(dsn: str, revision: str | None) -> None:
    await changed_by(dsn, SPECS[0], Release(0, 3), LATER, revision)
    with pytest.raises(
        Misconfigured, match=r"ONEWINDOW_DATABASE_URL: .*release 0\.3.*0\.1, cannot work: start 0\.2 or"
    ):
        await migrate(dsn, [SPECS[0]], Releases(FIRST))


async def test_a_revision_that_no_release_is_known_for_stops_with_a_sentence(dsn: str) -> None:
    await changed_by(dsn, SPECS[0], FIRST, FIRST, "9999")
    with pytest.raises(Misconfigured, match="revision 9999"):
        await migrate(dsn, [SPECS[0]], Releases(FIRST))


async def test_the_next_release_takes_over_from_the_one_before(dsn: str) -> None:
    await migrate(dsn, [SPECS[0]], Releases(FIRST))
    await migrate(dsn, [SPECS[0]], Releases(LATER, FIRST))
    conn = await asyncpg.connect(dsn)
    assert await later_release(conn, SPECS[0].name) == LATER
    await conn.close()
