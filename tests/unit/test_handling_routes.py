"""The task routes and the simulator's rows over real SQL: lists by place and page, claim, decision, and the answers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_mock_engine

from shared.clock import FixedClock
from shared.db.documents import write_rows
from shared.facts import tables as facts
from shared.facts.simulator import SimulatedFacts, insert_simulated
from shared.handling.api import task_router
from shared.handling.board import item_board
from shared.http.app import install
from shared.outcomes import FactStatus
from tests.support.fake_ctx import NOW, fake_ctx, item_requested
from tests.support.toy_procedure import METADATA, TABLES, toy_engine
from tests.unit.test_facts import INDEX, WHO, question
from tests.unit.test_handling_tasks import TOWN, person

ENGINE = toy_engine()
PEOPLE = {
    "hand": person("hand"),
    "boss": person("boss", "approver"),
    "far": person("far", region="420113000000"),
    "family": person("family", "citizen"),
}


class OneItem:
    """A service with one item in memory and its list of tasks in the database."""

    def __init__(self, db, item):
        self.db, self.item, self.clock = db, item, FixedClock(NOW)
        self.spec = SimpleNamespace(name="toy")
        self.refused = []

    @asynccontextmanager
    async def read(self):
        async with self.db.transaction(read_only=True) as conn:
            yield conn

    @asynccontextmanager
    async def write(self, actor, action="write", detail=None):
        self.refused.append((actor, action, detail))
        yield None

    def ctx(self, actor="system"):
        return fake_ctx(actor=actor)

    async def load(self, kind, identity):
        return self.item.model_copy(deep=True)

    async def command(self, kind, identity, command, *, actor, idempotency=None):
        changes, answer = command(await self.load(kind, identity), self.ctx(actor))
        await self.keep(changes)
        return answer

    async def keep(self, changes):
        self.item = changes.state
        async with self.db.transaction() as conn:
            for put in changes.puts:
                await write_rows(conn, put.table, [put.values], upsert=True)


async def make(db, metadata):
    made = [f"CREATE SCHEMA {metadata.schema}"]
    engine: Any = create_mock_engine(
        "postgresql+asyncpg://", lambda sql, *_, **__: made.append(str(sql.compile(dialect=engine.dialect)))
    )
    metadata.create_all(engine, checkfirst=False)
    async with db.transaction() as conn:
        for statement in made:
            await conn.execute(statement)


@pytest.fixture
async def desk(db):
    """The routes over one item that waits for its review; `desk(account, method, path, …)` calls them."""
    await make(db, METADATA)
    service: Any = OneItem(db, None)
    ctx = fake_ctx()
    await service.keep(ENGINE.on_item_requested(None, item_requested(ctx, "toy.thing", {"people": True}), ctx))
    app = FastAPI()
    app.include_router(task_router(service, item_board(TABLES.task, ENGINE.decide)))
    verifier: Any = SimpleNamespace(verify=lambda token: PEOPLE[token])
    install(app, verifier)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://toy") as client:

        async def call(account, method, path, **more):
            return await client.request(method, path, headers={"authorization": f"Bearer {account}"}, **more)

        yield call


async def only_task(desk, account):
    (task,) = (await desk(account, "GET", "/tasks")).json()["items"]
    return task


async def test_a_task_is_listed_only_where_a_role_is_held(desk):
    task = await only_task(desk, "hand")
    assert (task["kind"], task["region"], task["service"], task["lamp"]) == ("review", TOWN, "toy", "green")
    assert (await desk("far", "GET", "/tasks")).json() == {"items": [], "next": None}
    assert (await desk("far", "GET", f"/tasks/{task['id']}")).status_code == 404
    assert (await desk("family", "GET", "/tasks")).status_code == 403


async def test_the_list_is_narrowed_by_state_kind_and_holder(desk):
    task = await only_task(desk, "hand")
    for query, count in (("state=open&kind=review", 1), ("state=claimed", 0), ("mine=true", 0), ("kind=other", 0)):
        assert len((await desk("hand", "GET", f"/tasks?{query}")).json()["items"]) == count
    await desk("hand", "POST", f"/tasks/{task['id']}/claim")
    for query, count in (("state=open", 0), ("state=claimed", 1), ("mine=true", 1)):
        assert len((await desk("hand", "GET", f"/tasks?{query}")).json()["items"]) == count


async def test_two_persons_take_a_matter_through_review_and_approval(desk):
    review = await only_task(desk, "hand")
    for account, stage in (("hand", "review"), ("boss", "approval")):
        task = await only_task(desk, account)
        assert task["stage"] == stage
        claimed = (await desk(account, "POST", f"/tasks/{task['id']}/claim")).json()
        body = {"lease": claimed["lease"], "outcome": "approve", "reason_code": "OK", "comment": "看过"}
        decided = await desk(account, "POST", f"/tasks/{task['id']}/decision", json=body)
        assert (decided.status_code, decided.json()["state"]) == (200, "done")
    assert (await desk("hand", "GET", "/tasks")).json()["items"] == []
    assert len((await desk("hand", "GET", "/tasks?state=done&limit=1")).json()["items"]) == 1
    assert (await desk("hand", "POST", f"/tasks/{review['id']}/claim")).json()["code"] == "TASK_CLOSED"


async def test_a_page_ends_with_the_place_where_the_next_begins(desk):
    task = await only_task(desk, "hand")
    lease = (await desk("hand", "POST", f"/tasks/{task['id']}/claim")).json()["lease"]
    await desk("hand", "POST", f"/tasks/{task['id']}/decision", json={"lease": lease, "outcome": "approve"})
    boss = await only_task(desk, "boss")
    lease = (await desk("boss", "POST", f"/tasks/{boss['id']}/claim")).json()["lease"]
    await desk("boss", "POST", f"/tasks/{boss['id']}/decision", json={"lease": lease, "outcome": "approve"})
    first = (await desk("hand", "GET", "/tasks?state=done&limit=1")).json()
    second = (await desk("hand", "GET", f"/tasks?state=done&limit=1&after={first['next']}")).json()
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {task["id"], boss["id"]}
    assert second["next"] is None


async def test_a_lost_lease_is_answered_with_the_present_state(desk):
    task = await only_task(desk, "hand")
    await desk("hand", "POST", f"/tasks/{task['id']}/claim")
    body = {"lease": "00000000-0000-0000-0000-000000000000", "outcome": "approve"}
    late = await desk("hand", "POST", f"/tasks/{task['id']}/decision", json=body)
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "LEASE_LOST", "claimed")


async def test_an_unknown_outcome_names_the_field(desk):
    task = await only_task(desk, "hand")
    wrong = await desk("hand", "POST", f"/tasks/{task['id']}/decision", json={"lease": task["id"], "outcome": "maybe"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/outcome")


async def test_the_simulator_says_what_was_put_in_after_the_silence_asked_for(db):
    await make(db, facts.metadata)
    known: dict[str, Any] = {"source": "roll", "about": WHO, "status": FactStatus.CONFIRMED, "data": {"holder": "李"}}
    async with db.transaction() as conn:
        await insert_simulated(conn, INDEX, **known, silent_times=1)
    source = SimulatedFacts(db, FixedClock(NOW), INDEX)
    asked = [question(), question(key="nobody")]
    assert [a.status for a in await source.answer(asked)] == [FactStatus.SILENT, FactStatus.SILENT]
    answer, _ = await source.answer(asked)
    assert (answer.status, answer.data) == (FactStatus.CONFIRMED, {"holder": "李"})
