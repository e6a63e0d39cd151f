"""What a newer release has written, met by this one on a running platform: looked at, never touched, never an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from services.intake.store.issuing import issue
from shared.db.documents import qualified
from shared.delivery.service import RunningService
from shared.release import Release
from tests.e2e.acting import allowance, claim, person
from tests.support.database import eventually
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
NEWER = Release(0, 2)


def added_to(value: Any) -> Any:
    """A document a release later: every object in it that is no free one has a field more."""
    document = orjson.loads(value)
    for found in _objects(document):
        found["added_later"] = True
    return orjson.dumps(document).decode()


def without(value: str) -> str:
    """The document without it again."""
    document = orjson.loads(value)
    for found in _objects(document):
        del found["added_later"]
    return orjson.dumps(document).decode()


def _objects(document: dict[str, Any]) -> list[dict[str, Any]]:
    nested = [found for name in ("items", "tasks") for found in _values(document.get(name))]
    return [document, *(found for found in nested if isinstance(found, dict))]


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


@asynccontextmanager
async def written_by_a_newer_release(platform: Hosted, case_id: str) -> AsyncIterator[dict[str, str]]:
    """Every document of the case as the next release stores it; what stands there, by table."""
    before: dict[str, str] = {}
    tables = [
        (qualified(kind.table), "id" if kind.name in {"case", "application"} else "case_id")
        for service in platform.host.services.values()
        for kind in service.spec.kinds
        if kind.name in {"case", "application", "item"}
    ]
    async with platform.host.db.transaction(None) as conn:
        for table, column in tables:
            for row in await conn.fetch(f"SELECT id, body FROM {table} WHERE {column} = $1 FOR UPDATE", UUID(case_id)):
                before[f"{table} {row['id']}"] = added_to(row["body"])
                await conn.execute(
                    f"UPDATE {table} SET body = $2, version = version + 1, release = $3 WHERE id = $1",
                    row["id"],
                    added_to(row["body"]),
                    NEWER.number,
                )
    yield before
    async with platform.host.db.transaction(None) as conn:
        for where, body in before.items():
            table, _, identity = where.partition(" ")
            assert await conn.fetchval(f"SELECT body FROM {table} WHERE id = $1", UUID(identity)) == body, table
            await conn.execute(
                f"UPDATE {table} SET body = $2, version = version - 1, release = 1 WHERE id = $1",
                UUID(identity),
                without(body),
            )


LOOKS = (
    ("/api/intake/applications/{no}", "clerk"),
    ("/api/intake/applications/{no}/timeline", "clerk"),
    ("/api/intake/progress/{no}", None),
    ("/api/elderly/tasks", "handler"),
    ("/api/elderly/tasks/{task}", "handler"),
    ("/api/coordinator/cases/{case}", "handler"),
    ("/api/ops/elderly/stuck", "operator"),
    ("/readyz", None),
)


PAPERS = "SELECT id, number FROM intake.paper WHERE case_id = $1"


async def test_its_papers_wait_for_the_newer_release(platform: Hosted) -> None:
    given = await platform.submit(allowance(person("候发")))
    case_id = UUID(given["case_id"])

    async def issued() -> list[Any]:
        async with platform.host.db.transaction(None) as conn:
            rows = await conn.fetch(PAPERS, case_id)
        return rows if rows and all(row["number"] for row in rows) else []

    await eventually(issued, "its first paper")
    (first, *_) = await issued()
    async with written_by_a_newer_release(platform, given["case_id"]):
        async with platform.host.db.transaction(None) as conn:
            waiting = await conn.fetchval(
                "INSERT INTO intake.paper (id, case_id, kind, title, made_at, moment) SELECT gen_random_uuid(), case_id,"
                " kind, title, made_at, moment FROM intake.paper WHERE id = $1 RETURNING id",
                first["id"],
            )
        assert await issue(platform.host.services["intake"]) == 0
        answer = await platform.get(f"/api/intake/applications/{given['application_no']}/papers/{waiting}")
        assert (answer.status_code, answer.json()["code"]) == (503, "NEWER_RELEASE")
    assert await eventually(issued, "the paper that waited")


async def test_it_is_looked_at_left_alone_and_told_of(platform: Hosted) -> None:
    who = person("新版")
    given = await platform.submit(allowance(who))
    no = given["application_no"]
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = await platform.tasks("elderly", no, "handler")
        return bool(found)

    await eventually(there, "a task")
    named = {"no": no, "task": found[0]["id"], "case": given["case_id"]}
    async with written_by_a_newer_release(platform, given["case_id"]):
        for path, account in LOOKS:
            params = {"code": given["query_code"]} if "progress" in path else {}
            answer = await platform.get(path.format(**named), account, **params)
            assert answer.status_code == httpx.codes.OK, (path, answer.text)
        for search in ({"number": no}, {"status": "in_progress"}):
            answer = await platform.post("/api/intake/applications/search", search)
            assert answer.status_code == httpx.codes.OK, answer.text
        acts = [
            await claim(platform, found[0], "handler"),
            await platform.post(f"/api/intake/applications/{no}/withdraw", {"reason": "不办了"}),
        ]
        for answer in acts:
            assert (answer.status_code, answer.json()["code"]) == (503, "NEWER_RELEASE"), answer.text
            assert int(answer.headers["retry-after"]) >= 1
        ready = (await platform.get("/readyz", None)).json()["services"]
        assert ready["elderly"].startswith("degraded: release 0.2 has been at work here and this is 0.1"), ready
    for service in platform.host.services.values():
        forget(service)
    assert (await claim(platform, found[0], "handler")).status_code == httpx.codes.OK


def forget(service: RunningService) -> None:
    """The platform is that of all tests: what was only played here is not kept."""
    service.newer.ids.clear()
    service.newer._told.clear()
