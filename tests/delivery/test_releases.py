"""Two releases on one database, as in a rolling upgrade and after a rollback: nothing that the newer one has written is
lost or stands in the way of others, and what only it may handle waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from shared.bus.port import Record
from shared.catalog.registry import Catalog
from shared.changes import Changes, Ctx
from shared.db.engine import Database
from shared.delivery import timers
from shared.delivery.parking import RETRY
from shared.errors import NewerRelease
from shared.http.problems import describe
from shared.messages import Message, attributes, derived_id
from shared.metrics import METRICS
from shared.runtime.workers import workers_of
from shared.spec import Route
from tests.support.database import eventually
from tests.support.toy import ENTRY, NAME, NOW, Add, Tally, Toy, on_add, request
from tests.support.toy_releases import DEEPER_SPEC, NEWER, OLDER, OLDER_SPEC, WIDER_SPEC

ONE, TWO = derived_id("toy", "one"), derived_id("toy", "two")
Make = Callable[..., Any]


@pytest_asyncio.fixture
async def make(db: Database, tmp_path: Path) -> AsyncIterator[Make]:
    """Starts a copy of the toy service in the older release, or the newer."""
    made: list[Toy] = []

    async def start(*, newer: Any = None, older: Any = OLDER_SPEC, workers: bool = False, **further: Any) -> Toy:
        spec, release = (newer, NEWER) if newer else (older, OLDER)
        toy = Toy(db, tmp_path / "keys", spec=spec, release=release, **further)
        await toy.start(workers=workers, schema=not made)
        made.append(toy)
        return toy

    yield start
    for toy in made:
        await toy.stop()


def record(version: int, message: Add, identity: UUID = ONE, type_: str = "Add.v1") -> Record:
    """The `version`-th message for an aggregate, as it comes from the bus."""
    envelope = replace(request(identity, version, message), type=f"cn.onewindow.coordinator.{type_}")
    offset = identity.int % 10_000 * 100 + version
    return Record(envelope.topic, 0, offset, envelope.key, attributes(envelope), envelope.data)


async def process(toy: Toy, *records: Record) -> None:
    assert toy.service.consumer is not None
    await toy.service.consumer.process(records)


async def refresh(toy: Toy) -> None:
    """The consumer looks after what stands aside, as it does every two seconds."""
    assert toy.service.consumer is not None
    toy.service.consumer._refreshed = None
    await toy.service.consumer._refresh()


async def body(toy: Toy, identity: UUID = ONE) -> dict[str, Any]:
    (row,) = await toy.fetch("SELECT body FROM toy.tally WHERE id = $1", identity)
    found: dict[str, Any] = orjson.loads(row["body"])
    return found


async def parked(toy: Toy) -> list[Any]:
    listed: list[Any] = await toy.service.parking.listing()
    return listed


@pytest.mark.parametrize("newer", [DEEPER_SPEC, WIDER_SPEC], ids=["deep within", "at the top"])
async def test_what_the_newer_release_wrote_waits_for_it_and_is_applied_in_order(make: Make, newer: Any) -> None:
    old = await make()
    await process(old, record(1, Add(n=1)))
    new = await make(newer=newer)
    await process(new, record(2, Add(n=2)))
    before = await body(new)

    await process(old, record(3, Add(n=3)), record(1, Add(n=10), TWO), record(4, Add(n=4)))
    assert await body(old) == before, "the older copy has not touched it"
    assert (await old.tally(TWO)).total == 10, "others go on"
    assert [row["reason"].partition(":")[0] for row in await parked(old)] == ["NewerRelease", "BEHIND"]

    await refresh(old)
    assert len(await parked(old)) == 2, "and does not try for nothing"
    await refresh(new)
    assert await parked(new) == []
    after = await body(new)
    assert (after["total"], after["seen_answers"]) == (10, [])
    assert [(note["n"], note["by"]) for note in after["notes"]] == [(n, "0.2") for n in (1, 2, 3, 4)]


async def test_what_comes_behind_once_the_newer_copy_has_taken_all_up_is_taken_up_as_well(make: Make) -> None:
    """The older copy learns only seconds later that nothing of the case stands aside any more."""
    old, new = await make(), await make(newer=WIDER_SPEC)
    await process(new, record(1, Add(n=1)))
    await process(old, record(2, Add(n=2)))
    await refresh(new)
    await process(old, record(3, Add(n=3)))
    await refresh(new)
    assert (await body(new))["memos"] == ["added 1", "added 2", "added 3"]
    assert await parked(new) == []
    await refresh(old)
    assert old.service.parking.waiting == {}


async def test_however_many_cases_wait_the_older_copy_goes_on_and_says_so_once(make: Make) -> None:
    old, new = await make(), await make(newer=WIDER_SPEC)
    ids = [derived_id("toy", n) for n in range(7)]
    for identity in ids:
        await process(new, record(1, Add(), identity))
    with capture_logs() as logs:
        await process(old, *(record(2, Add(), identity) for identity in ids), record(1, Add(n=5), TWO))
        await refresh(old)
    assert (await old.tally(TWO)).total == 5
    assert [line["event"] for line in logs] == ["newer_release_needed"]
    assert "0.2" in logs[0]["reason"]
    assert "release 0.2 has been at work here and this is 0.1: 7 cases wait" in old.service.newer.note(
        old.service.parking
    )
    assert METRICS.waiting.labels(NAME)._value.get() == 7
    assert METRICS.parked.labels(NAME)._value.get() == 0
    assert new.service.newer.note(new.service.parking) == ""


async def test_a_fault_met_when_it_is_taken_up_is_parked_for_people_like_any_other(make: Make) -> None:
    old, new = await make(), await make(newer=WIDER_SPEC)
    await process(new, record(1, Add(n=1)))
    await process(old, record(2, Add(poison=True)), record(3, Add(n=3)))
    await refresh(new)
    rows = await parked(new)
    assert [row["reason"].partition(":")[0] for row in rows] == ["Poison", "BEHIND"]
    await refresh(new)
    assert (await parked(new))[0]["tries"] == 1, "not tried again by itself"
    async with new.db.connection() as conn:
        await conn.execute("UPDATE toy.parked SET data = '{\"n\": 2}' WHERE seq = $1", rows[0]["seq"])
    await new.service.parking.mark(rows[0]["seq"], RETRY)
    await refresh(new)
    assert (await body(new))["total"] == 6


async def test_a_command_is_answered_503_so_that_another_copy_can_take_it(make: Make) -> None:
    def add_one(state: Tally, _: Ctx) -> tuple[Changes[Tally], int]:
        state.total += 1
        return Changes(state), state.total

    old, new = await make(workers=True), await make(newer=WIDER_SPEC, workers=True)
    await process(new, record(1, Add(n=1)))
    with pytest.raises(NewerRelease) as refused:
        await old.service.command("tally", ONE, add_one, actor="clerk")
    answer = describe(refused.value)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert orjson.loads(answer.body)["code"] == "NEWER_RELEASE"
    assert await new.service.command("tally", ONE, add_one, actor="clerk") == 2
    assert (await body(new))["memos"] == ["added 1"]


async def test_looking_at_it_works_as_far_as_the_older_release_knows_it(make: Make) -> None:
    old, new = await make(), await make(newer=WIDER_SPEC)
    await process(new, record(1, Add(n=7)))
    tally = await old.tally(ONE)
    assert (tally.total, tally.notes[0].n) == (7, 7)
    async with new.db.connection() as conn:  # a release that stores it otherwise
        await conn.execute("UPDATE toy.tally SET body = jsonb_set(body::jsonb, '{total}', '\"seven\"')")
    with pytest.raises(NewerRelease):
        await old.tally(ONE)


async def test_a_timer_stays_due_for_the_newer_copy_while_others_fire(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many such timers are due."""
    monkeypatch.setattr(timers, "MOST", 1)
    old, new = await make(workers=True), await make(newer=WIDER_SPEC)
    await process(new, record(1, Add(timer_after=10)))
    await process(old, record(1, Add(timer_after=20), TWO))
    old.clock.set(NOW + timedelta(seconds=30))
    old.service.news.timers.set()

    async def fired() -> bool:
        return bool((await body(old, TWO))["fired"])

    await eventually(fired, "the older copy's own timer")
    assert (await body(old))["fired"] == 0
    assert len(await old.fetch("SELECT 1 FROM toy.timer")) == 1
    third = await make(newer=WIDER_SPEC, workers=True, clock=old.clock)

    async def taken_up() -> bool:
        return bool((await body(third))["fired"])

    await eventually(taken_up, "the newer copy to fire it")
    assert (await body(third))["memos"] == ["added 1"]
    assert not old.supervisor.failed


async def test_a_timer_this_release_has_no_name_for_holds_up_no_other(make: Make) -> None:
    old = await make(older=replace(OLDER_SPEC, local={("tally", "timer:other"): OLDER_SPEC.local["tally", "timer:*"]}))
    await process(old, record(1, Add(timer_after=10)))
    async with old.db.connection() as conn:
        await conn.execute(
            "INSERT INTO toy.timer (id, kind, aggregate_id, name, due_at, data) SELECT $1, kind, $2, 'other',"
            " due_at + interval '1 s', data FROM toy.timer",
            derived_id("another timer"),
            TWO,
        )
    await process(old, record(1, Add(), TWO))
    old.clock.set(NOW + timedelta(seconds=60))
    worker = asyncio.create_task(workers_of(old.service)["timers"]())

    async def fired() -> bool:
        return bool((await body(old, TWO))["fired"])

    await eventually(fired, "the timer that has a name")
    worker.cancel()
    assert [row["name"] for row in await old.fetch("SELECT name FROM toy.timer")] == ["ring"]


async def test_an_answer_is_left_to_the_newer_copy_which_asks_again_at_once(make: Make) -> None:
    old, new = await make(), await make(newer=WIDER_SPEC)
    await process(new, record(1, Add(ask="who", effect=True)))
    async with new.db.connection() as conn:  # whoever asked has ended
        await conn.execute("UPDATE toy.ask SET lease_until = NULL, owner = NULL")
    asking = asyncio.create_task(workers_of(old.service)["asks"]())
    await eventually(lambda: old.oracle.asked, "the older copy to ask")

    async def given_back() -> bool:
        (row,) = await old.fetch("SELECT state, lease_until FROM toy.ask")
        return (row["state"], row["lease_until"]) == ("in_doubt", None)

    await eventually(given_back, "the question to be given back")
    assert (await body(old))["seen_answers"] == []
    third = await make(newer=WIDER_SPEC, workers=True)

    async def answered() -> bool:
        return bool((await body(third))["seen_answers"])

    await eventually(answered, "the newer copy to take in the answer")
    assert len(old.oracle.asked) == 1, "the older one asks once"
    assert (await body(third))["seen_answers"] == ["confirmed"]
    assert {q.idempotency_key for q in old.oracle.asked} == {q.idempotency_key for q in third.oracle.asked}, (
        "under the same key"
    )
    asking.cancel()


class Subtract(Message):
    """A message that only the newer release has."""

    n: int = 1


class AddAgain(Add):
    """The next version of a message."""

    VERSION: ClassVar[int] = 2


AddAgain.__name__ = "Add"


def newer_catalogue() -> tuple[Any, Catalog]:
    def subtract(state: Any, message: Subtract, ctx: Ctx) -> Changes[Any]:
        state.total -= message.n
        return Changes(state)

    handlers = {**WIDER_SPEC.handlers, Subtract: Route("tally", subtract), AddAgain: Route("tally", on_add)}
    entry = replace(ENTRY, requests=(*ENTRY.requests, Subtract, AddAgain))
    return replace(WIDER_SPEC, handlers=handlers), Catalog({NAME: entry})


@pytest.mark.parametrize("ce_type", ["Subtract.v1", "Add.v2"])
async def test_an_event_of_a_newer_release_waits_for_it_and_is_applied_in_order(make: Make, ce_type: str) -> None:
    old = await make()
    await process(old, record(1, Add(n=10)), record(2, Add(n=2), type_=ce_type), record(3, Add(n=100)))
    assert (await old.tally(ONE)).total == 10
    assert ce_type in (await parked(old))[0]["reason"]
    again = await make()
    await refresh(again)
    assert len(await parked(again)) == 2, "another copy of the same release leaves it"
    spec, catalog = newer_catalogue()
    new = await make(newer=spec, catalog=catalog)
    await refresh(new)
    assert (await new.tally(ONE)).total == (108 if ce_type == "Subtract.v1" else 112)
    assert await parked(new) == []
