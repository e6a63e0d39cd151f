"""Below the edge: a service's database role, a sealed part and the key folder hold by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db.engine import role_of
from shared.errors import Poison
from shared.handling.sealing import open_part
from tests.e2e.acting import allowance, person, relief, task
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
SERVICES = ("access", "assistance", "coordinator", "elderly", "funeral", "intake", "marriage")


async def denied(platform: Hosted, service: str, sql: str, *args: Any) -> bool:
    try:
        async with platform.host.db.transaction(role_of(service)) as conn:
            await conn.fetch(sql, *args)
    except asyncpg.InsufficientPrivilegeError:
        return True
    return False


@pytest.mark.parametrize("service", SERVICES)
async def test_a_services_role_reaches_its_own_schema_and_its_own_topics_alone(platform: Hosted, service) -> None:
    async with platform.host.db.transaction(None) as conn:
        tables = await conn.fetch(
            "SELECT schemaname AS s, tablename AS t FROM pg_tables WHERE schemaname = ANY($1)",
            [*SERVICES, "bus", "facts"],
        )
        heads = await conn.fetch("SELECT DISTINCT topic, writer FROM bus.head")
    for row in tables:
        if row["s"] != service:
            assert await denied(platform, service, f'SELECT * FROM "{row["s"]}"."{row["t"]}"'), tuple(row)
            assert await denied(platform, service, f'DELETE FROM "{row["s"]}"."{row["t"]}"'), tuple(row)
    append = "SELECT * FROM bus.append(ARRAY[$1::text], ARRAY[0], ARRAY['k'], ARRAY['{}'::json], ARRAY[''::bytea])"
    foreign = [row["topic"] for row in heads if row["writer"] != role_of(service)]
    assert foreign
    assert all([await denied(platform, service, append, topic) for topic in [*foreign, "onewindow.nowhere.events"]])
    for table, column in (("audit", "actor"), ("audit_seal", "low"), ("audit_head", "kid")):
        assert await denied(platform, service, f'UPDATE "{service}".{table} SET {column} = {column}')
        assert await denied(platform, service, f'DELETE FROM "{service}".{table}')
        assert await denied(platform, service, f'TRUNCATE "{service}".{table}')
    assert await denied(platform, service, "CREATE TABLE public.mine (a int)")
    assert await denied(platform, service, f'CREATE TABLE "{service}".mine (a int)')


async def test_a_sealed_part_opens_nowhere_but_in_its_own_item_round_and_service(platform: Hosted) -> None:
    found = {}
    for name, body in (
        ("a", allowance(person("甲"))),
        ("b", allowance(person("乙"))),
        ("c", relief(person("丙"), "100.00")),
    ):
        given = await platform.submit(body)
        service = given["items"][0]["service"]
        await task(
            platform,
            service,
            given["application_no"],
            "handler",
            {"elderly": "age_allowance_review"}.get(service, "temporary_review"),
        )
        found[name] = await platform.host.services[service].load("item", UUID(given["items"][0]["id"]))
    sealer, a, b, c = platform.host.keyring.sealer(), found["a"], found["b"], found["c"]
    assert open_part(sealer, "elderly", a.case_id, a.id, a.part_round, a.part).parties["applicant"]["name"] == "甲"
    for service, case_id, item_id, round_, part in (
        ("elderly", a.case_id, a.id, a.part_round, b.part),
        ("elderly", b.case_id, a.id, a.part_round, a.part),
        ("elderly", a.case_id, b.id, a.part_round, a.part),
        ("elderly", a.case_id, a.id, a.part_round + 1, a.part),
        ("assistance", a.case_id, a.id, a.part_round, a.part),
        ("assistance", c.case_id, c.id, c.part_round, a.part),
    ):
        with pytest.raises(Poison):
            open_part(sealer, service, case_id, item_id, round_, part)
    foreign = platform.host.services["assistance"].keyring.sealer()
    with pytest.raises(Exception, match="elderly"):
        open_part(foreign, "elderly", a.case_id, a.id, a.part_round, a.part)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}


async def test_keys_are_for_their_owner_alone_and_each_service_holds_its_own(platform: Hosted) -> None:
    found = modes(platform.host.settings.key_folder)
    assert len(found) > len(SERVICES)
    assert not {name: oct(mode) for name, mode in found.items() if mode & 0o077}
    held = {name: service.keyring.services for name, service in platform.host.services.items()}
    assert held["coordinator"] == frozenset()
    assert all(held[name] == {name} for name in ("assistance", "elderly", "funeral", "marriage"))
