"""Migrations: they make what the tables say, twice is once, and a service sees its own schema only."""

from __future__ import annotations

import asyncio

import pytest

from shared.catalog.registry import load
from shared.db.migrate import differences, migrate
from shared.runtime.host import load_specs
from shared.runtime.spec import ServiceSpec

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
