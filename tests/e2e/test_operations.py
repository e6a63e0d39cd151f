"""What operators see and do, service by service, over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest

from shared.bus import embedded_sql
from shared.bus.outgoing import partition_of
from shared.bus.port import Lost
from shared.catalog.registry import PARTITIONS
from shared.clock import new_id
from shared.delivery.pressure import POOL_SECONDS, UNPUBLISHED_SECONDS
from shared.errors import Transient
from shared.http.principal import Principal, RoleInUnit
from shared.metrics import METRICS
from tests.e2e.acting import allowance, bereavement, ended, family, hand_in, person
from tests.support.attack import call
from tests.support.database import eventually
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e
ONE, TWO = (Principal(n, n, "staff", (RoleInUnit("operator", "420000", "420000"),)) for n in ("first", "second"))
REQUESTS = "onewindow.funeral.requests"
GARBAGE = ([REQUESTS], [1], ["?"], ['{"colour": "red"}'], [b"\xff\xfe"])


async def get(platform: Platform, path: str) -> dict[str, Any]:
    answer = await call(platform, ONE, "GET", path)
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def reset(platform: Platform, who: Principal, **body: Any) -> httpx.Response:
    said = {"topic": REQUESTS, "partition": 0, "to": "beginning", "reason": "read it all again", **body}
    return await call(platform, who, "POST", "/api/ops/funeral/positions/reset", json=said)


async def resets(platform: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await get(platform, "/api/ops/funeral/positions/resets"))["items"]
    return found


async def test_the_services_of_the_catalogue_are_named_whoever_runs_them(platform: Platform) -> None:
    items = (await get(platform, "/api/ops"))["items"]
    assert {item["service"] for item in items} == set(platform.host.catalog.services)
    assert all(item["here"] for item in items)


@pytest.mark.parametrize("path", ["parked", "parked/1", "lag", "dead", "refused", "stuck", "positions/resets"])
async def test_a_service_that_does_not_run_here_is_404_with_a_sentence_in_both_languages(
    platform: Platform, path: str
) -> None:
    answer = await call(platform, ONE, "GET", f"/api/ops/nowhere/{path}")
    assert answer.status_code == 404
    assert "does not run that service" in answer.json()["detail"]
    assert "不运行" in answer.json()["detail"]


async def test_the_lag_of_a_service_is_that_of_its_own_group_alone(platform: Platform) -> None:
    items = (await get(platform, "/api/ops/funeral/lag"))["items"]
    assert {item["group"] for item in items} == {"funeral"}
    assert REQUESTS in {item["topic"] for item in items}


def dead_letters() -> float:
    """How many this process has counted, on whichever platform."""
    return METRICS.registry.get_sample_value("onewindow_dead_letters_total", {"service": "funeral"}) or 0.0


async def test_a_record_that_is_no_event_is_listed_with_where_from_and_why_page_by_page(platform: Platform) -> None:
    before = len((await get(platform, "/api/ops/funeral/dead?limit=200"))["items"])
    counted = dead_letters()
    async with platform.host.services["funeral"].db.transaction() as conn:
        for _ in range(3):
            await conn.fetch(embedded_sql.APPEND + embedded_sql.PLACE, *GARBAGE)
    platform.host.bus.wake([REQUESTS])

    async def there() -> bool:
        return len((await get(platform, "/api/ops/funeral/dead?limit=200"))["items"]) == before + 3

    await eventually(there, "three more dead letters")
    first = await get(platform, "/api/ops/funeral/dead?limit=2")
    rest = await get(platform, f"/api/ops/funeral/dead?limit=200&after={first['next']}")
    assert len(first["items"]) == 2
    assert len(rest["items"]) == before + 1
    assert {(i["topic"], i["partition"], i["bytes"]) for i in rest["items"]} == {(REQUESTS, 1, 2)}
    assert "missing" in first["items"][0]["reason"]
    await eventually(lambda: dead_letters() == counted + 3, "each to be counted once")


async def test_a_reset_takes_two_operators_and_what_comes_again_changes_nothing(platform: Platform) -> None:
    done = await ended(platform, (await hand_in(platform, family(platform)))["application_no"])
    partition = partition_of(done["case_id"], PARTITIONS)

    async def all_stored() -> bool:
        items = (await get(platform, "/api/ops/funeral/lag"))["items"]
        return all(item["records"] == 0 for item in items)

    await eventually(all_stored, "every position to be stored: it is a while after what was handled")
    for _ in range(2):
        alone = (await reset(platform, ONE, partition=partition)).json()
        assert alone.get("state") == "proposed", alone
    asked = (await reset(platform, TWO, partition=partition)).json()
    assert asked.get("state") in {"done", "wanted"}, (
        asked
    )  # whichever comes first: its owner, or the end of our patience

    async def carried_out() -> dict[str, Any] | None:
        (found,) = [r for r in await resets(platform) if r["number"] == asked["number"]]
        return found if found["state"] == "done" else None

    moved: Any = await eventually(carried_out, "the owner of the partition to carry it out")
    assert (moved["to"], moved["second_by"]) == (0, "second")

    await eventually(all_stored, "everything to be read again")
    again = await platform.application(done["application_no"])
    papers = [{**paper, "delivered_at": None} for paper in again["papers"]]  # sent meanwhile, to who agreed to it
    assert {**again, "papers": papers} == {**done, "clock": again["clock"], "papers": papers}
    assert [p["id"] for p in papers] == [p["id"] for p in done["papers"]]
    assert (await resets(platform))[-1]["number"] == moved["number"]


async def test_records_lost_unread_are_told_until_an_operator_has_looked_after_them(platform: Platform) -> None:
    service = platform.host.services["funeral"]
    for _ in range(2):
        await service.losses.record(Lost((REQUESTS, 2), 5, 9))
    told = (await get(platform, "/readyz"))["services"]["funeral"]
    assert told.startswith(f"degraded: records of {REQUESTS} were gone before they were read")
    rows = [
        r for r in (await get(platform, "/api/ops/funeral/positions/resets?limit=200"))["items"] if r["state"] == "lost"
    ]
    ((number, moved),) = [(row["number"], (row["partition"], row["from"], row["to"])) for row in rows]
    assert moved == (2, 5, 9)

    async def seen(which: int, who: Principal = ONE, reason: str = "asked every office") -> httpx.Response:
        path = f"/api/ops/funeral/positions/resets/{which}/seen"
        return await call(platform, who, "POST", path, json={"reason": reason})

    assert (await seen(number, reason="no")).status_code == 422
    assert (await seen(number + 1000)).status_code == 404
    clerk = Principal("clerk", "clerk", "staff", (RoleInUnit("clerk", "420112", "420112"),))
    assert (await seen(number, clerk)).status_code == 403
    assert (await seen(number)).json() == {"state": "seen"}
    assert (await seen(number)).status_code == 404
    assert (await get(platform, "/readyz"))["services"]["funeral"] == "ready"
    assert (await get(platform, "/api/ops/funeral/refused"))["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": None}, 422, "INVALID"),
        ({"reason": "no"}, 422, "INVALID"),
        ({"topic": "onewindow.elderly.requests"}, 422, "UNKNOWN_TOPIC"),
        ({"partition": 9}, 422, "UNKNOWN_PARTITION"),
        ({"partition": -1}, 422, "INVALID"),
        ({"to": "999999999"}, 422, "BEYOND_END"),
        ({"to": "9" * 40}, 422, "INVALID"),
        ({"to": "昨天"}, 422, "FORMAT"),
    ],
)
async def test_a_reset_that_cannot_be_is_refused_by_name(
    platform: Platform, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await reset(platform, ONE, **body)
    told = answer.json()
    assert answer.status_code == status, answer.text
    assert code in {told["code"], *(e["code"] for e in told["errors"])}
    assert all(" / " in e["message"] for e in told["errors"])


async def test_a_clerk_resets_nothing_and_an_auditor_only_looks(platform: Platform) -> None:
    assert (await call(platform, "window", "GET", "/api/ops/funeral/positions/resets")).status_code == 403
    assert (await call(platform, "auditor", "GET", "/api/ops/funeral/positions/resets")).status_code == 200
    assert (await call(platform, "auditor", "POST", "/api/ops/funeral/positions/reset", json={})).status_code == 403


async def test_in_rest_nothing_is_stuck_though_people_and_homes_are_waited_for(platform: Platform) -> None:
    await hand_in(platform, family(platform))
    number = (await platform.submit(allowance(person("钱待办"))))["application_no"]
    await eventually(lambda: platform.tasks("elderly", number, "handler"), "its task to be open")

    async def rest() -> bool:
        return not any(lag.records for lag in await platform.host.bus.lag())

    await eventually(rest, "everything to be read")
    for service in platform.host.catalog.services:
        assert (await get(platform, f"/api/ops/{service}/stuck"))["items"] == []


async def test_an_item_whose_task_was_lost_is_found_stuck(platform: Platform) -> None:
    number = (await platform.submit(allowance(person("孙失联"))))["application_no"]
    await eventually(lambda: platform.tasks("elderly", number, "handler"), "its task to be open")
    async with platform.host.services["elderly"].write("a test") as conn:  # what no code of ours does
        item = await conn.fetchval("SELECT id FROM elderly.item WHERE application_no = $1", number)
        await conn.execute("UPDATE elderly.task SET state = 'done' WHERE aggregate_id = $1", item)
        await conn.execute("UPDATE elderly.ask SET state = 'cancelled' WHERE aggregate_id = $1", item)
        await conn.execute("DELETE FROM elderly.timer WHERE aggregate_id = $1", item)

    async def found() -> list[Any]:
        items = (await get(platform, "/api/ops/elderly/stuck"))["items"]
        return [i["reason"] for i in items if i["application_no"] == number]

    try:
        assert await eventually(found, "it to be found") == ["NOTHING_MOVES_IT"]
    finally:
        async with platform.host.services["elderly"].write("a test") as conn:
            await conn.execute("UPDATE elderly.task SET state = 'open' WHERE aggregate_id = $1", item)


async def test_a_paper_that_cannot_be_issued_is_found_stuck(platform: Platform) -> None:
    number = (await hand_in(platform, family(platform)))["application_no"]
    done = await ended(platform, number)
    hold = "UPDATE intake.paper SET held = $2 WHERE case_id = $1::uuid AND kind = 'receipt'"

    async def found() -> list[Any]:
        items = (await get(platform, "/api/ops/intake/stuck"))["items"]
        return [i["reason"] for i in items if i["application_no"] == number]

    async with platform.host.services["intake"].write("a test") as conn:
        await conn.execute(hold, done["case_id"], "NO_AUTHORITY")
    try:
        assert await eventually(found, "it to be found") == ["PAPER_HELD"]
    finally:
        async with platform.host.services["intake"].write("a test") as conn:
            await conn.execute(hold, done["case_id"], None)


async def test_each_service_says_by_itself_whether_it_can_work(platform: Platform) -> None:
    assert (await platform.get("/readyz/funeral", None)).json() == {"status": "ready"}
    assert (await platform.get("/readyz/nowhere", None)).status_code == 404
    platform.host.supervisor.failed["funeral.consumer"] = "TOO_MANY_FAILURES"
    try:
        answer = await platform.get("/readyz/funeral", None)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert (await platform.get("/readyz/elderly", None)).status_code == 200
        assert (await platform.get("/readyz", None)).json()["services"]["elderly"] == "ready"
    finally:
        del platform.host.supervisor.failed["funeral.consumer"]


async def test_a_bus_that_is_away_is_said_while_applications_are_still_taken_in(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = platform.host.services["intake"]

    async def away(group: str | None = None) -> list[Any]:
        raise Transient("BUS_AWAY")

    monkeypatch.setattr(intake.bus, "lag", away)  # or the worker that looks now and then would bring it up to date
    monkeypatch.setattr(intake.figures, "_answered", -1000.0)
    answer = await platform.get("/readyz/intake", None)
    assert answer.status_code == 200
    assert answer.json()["status"].startswith("degraded: the bus has not answered for")
    assert (await platform.get("/readyz", None)).json()["status"] == "degraded"
    await platform.submit(bereavement(platform, family(platform)))


async def test_every_declared_figure_of_a_service_is_told(platform: Platform) -> None:
    wanted = (
        "onewindow_stuck_items",
        r'onewindow_lag_records\{group="funeral",topic="onewindow.funeral.requests"\} \d',
        r'onewindow_oldest_unpublished_seconds\{service="intake"\} 0',
        r'onewindow_consumer_stopped\{consumer="funeral"\} 0',
        r'onewindow_http_seconds_count\{route="GET /readyz",status="200"\}',
    )
    for name in wanted:
        await eventually(partial(figures, platform, name), f"{name} to be told")


async def figures(platform: Platform, name: str) -> str:
    await platform.get("/readyz", None)
    text = (await platform.get("/metrics", None)).text
    return text if re.search(name, text) else ""


@asynccontextmanager
async def relay_blocked(platform: Platform) -> AsyncIterator[None]:
    """Intake's outbox holds a row for longer than the bound, and its relay cannot move it."""
    service = platform.host.services["intake"]
    conn = await asyncpg.connect(service.db.dsn)
    await conn.execute("SELECT pg_advisory_lock(hashtext('relay.intake'))")
    await conn.execute(
        "INSERT INTO intake.outbox (event_id, topic, partition, key, headers, data, created_at) VALUES"
        " (gen_random_uuid(), 'onewindow.coordinator.requests', 0, 'a test', '{}', '',"
        " clock_timestamp() - make_interval(secs => $1))",
        UNPUBLISHED_SECONDS + 1,
    )
    try:
        yield
    finally:
        await conn.close()


async def test_new_work_is_refused_while_what_was_accepted_waits_too_long_and_taken_again_after(
    platform: Platform,
) -> None:
    body = bereavement(platform, family(platform))
    known = (await hand_in(platform, family(platform)))["application_no"]

    async def status() -> int:
        return (await platform.post("/api/intake/applications", body)).status_code

    async with relay_blocked(platform):

        async def refused() -> httpx.Response | None:
            answer = await platform.post("/api/intake/applications", {})
            return answer if answer.status_code == 429 else None

        answer = await eventually(refused, "new work to be refused")
        assert isinstance(answer, httpx.Response)
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["code"] == "TOO_BUSY"
        supplement = await platform.post(f"/api/intake/applications/{known}/supplement", {"round": 1})
        assert supplement.status_code == 429
        assert (await platform.get(f"/api/intake/applications/{known}")).status_code == 200

    async def taken() -> bool:
        return await status() == 201

    await eventually(taken, "new work to be taken again")


async def test_new_work_is_refused_at_once_while_connections_are_waited_for(platform: Platform) -> None:
    db, over = platform.host.services["intake"].db, asyncio.Event()
    body = bereavement(platform, family(platform))

    async def hold() -> None:
        async with db.connection(timeout=30):
            await over.wait()

    async with platform.client("clerk") as clerk:  # who has signed in before the crowd comes

        async def handed_in() -> httpx.Response:
            return await clerk.post("/api/intake/applications", json=body, headers={"Idempotency-Key": str(new_id())})

        holding = [asyncio.create_task(hold()) for _ in range(platform.host.settings.pool_size + 1)]
        try:
            await eventually(lambda: db.longest_wait > POOL_SECONDS, "somebody to wait over the bound")
            answer = await handed_in()
            assert (answer.status_code, answer.json()["code"]) == (429, "TOO_BUSY")
        finally:
            over.set()
            await asyncio.gather(*holding)

        async def taken() -> bool:
            return (await handed_in()).status_code == httpx.codes.CREATED

        await eventually(taken, "new work to be taken again, once those who waited behind have had their turn")
