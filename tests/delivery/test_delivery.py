"""Delivery as a whole, on the toy service: once in effect, in order, parked by key, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared import precedence
from shared.changes import Changes, Ctx
from shared.clock import monotonic, new_id
from shared.db.engine import Database
from shared.delivery.parking import RETRY
from shared.delivery.unit_of_work import Entry
from shared.errors import Conflict, Invalid, Refused, RefusedError, Transient
from shared.messages import derived_id
from shared.outcomes import FactStatus
from shared.policy import Policy
from shared.precedence import SLICE_SECONDS
from tests.support.database import eventually
from tests.support.toy import NOW, Add, Tally, Toy


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start()
    yield made
    await made.stop()


def ident(n: int) -> UUID:
    return derived_id("toy", n)


async def total(toy: Toy, identity: UUID, wanted: int) -> None:
    async def reached() -> bool:
        tally = await toy.tally(identity)
        return tally is not None and tally.total == wanted

    await eventually(reached, f"a total of {wanted}")


async def test_a_message_delivered_again_and_again_has_its_effect_once(toy: Toy) -> None:
    """I1: delivery may repeat, the effect does not."""
    for _ in range(5):
        await toy.send((ident(1), 1, Add(n=3)), (ident(1), 2, Add(n=4)))
    await total(toy, ident(1), 7)
    assert len(await toy.fetch("SELECT 1 FROM toy.line")) == 2
    told = "SELECT 1 FROM bus.record WHERE topic = 'onewindow.toy.answers' UNION ALL SELECT 1 FROM toy.outbox"
    assert len(await toy.fetch(told)) == 2


async def test_a_redelivery_after_a_restart_is_dropped_by_the_streams_version(toy: Toy, tmp_path: Path) -> None:
    await toy.send((ident(1), 1, Add(n=3)))
    await total(toy, ident(1), 3)
    await toy.stop()
    async with toy.db.connection() as conn:
        await conn.execute("UPDATE bus.cursor SET position = 0, owner = NULL")
    again = Toy(toy.db, tmp_path / "keys")
    await again.start()
    await again.send((ident(1), 2, Add(n=1)))
    await total(again, ident(1), 4)
    assert len(await again.fetch("SELECT 1 FROM toy.line")) == 2
    await again.stop()


async def test_a_message_beyond_a_gap_waits_and_is_parked_when_the_gap_stays(toy: Toy) -> None:
    await toy.send((ident(1), 2, Add()))
    await eventually(lambda: toy.service.parking.keys, "the key to be parked", 30)
    assert await toy.tally(ident(1)) is None
    (row,) = await toy.service.parking.listing()
    assert row["reason"].startswith("Gap")


async def test_a_poison_message_parks_its_own_key_and_no_other(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()), (ident(1), 2, Add(poison=True)), (ident(1), 3, Add()), (ident(2), 1, Add()))
    await total(toy, ident(2), 1)
    await total(toy, ident(1), 1)

    async def both_parked() -> bool:
        return len(await toy.service.parking.listing()) == 2

    await eventually(both_parked, "the poison and the one behind it to be parked")
    await toy.send((ident(2), 2, Add(n=10)))
    await total(toy, ident(2), 11)


async def test_a_parked_key_is_taken_up_in_order_when_an_operator_retries(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await toy.send((ident(1), 1, Add(crash=True)), (ident(1), 2, Add(n=5)))

    async def both_parked() -> bool:
        return len(await toy.service.parking.listing()) == 2

    await eventually(both_parked, "both to be parked")
    async with toy.db.connection() as conn:  # the defect is mended: the same message goes through now
        await conn.execute("UPDATE toy.parked SET data = '{\"n\": 1}' WHERE data::text LIKE '%' AND seq = 1")
    first = (await toy.service.parking.listing())[0]
    assert await toy.service.parking.mark(first["seq"], RETRY)
    await total(toy, ident(1), 6)

    async def nothing_parked() -> bool:
        return await toy.service.parking.listing() == []

    await eventually(nothing_parked, "the parked messages to be let go")


async def test_five_different_keys_failing_in_a_row_stop_the_consumer_loudly(toy: Toy) -> None:
    await toy.send(*((ident(n), 1, Add(poison=True)) for n in range(6)))
    await eventually(lambda: "toy.consumer" in toy.supervisor.failed, "the consumer to stop")
    assert "onewindow parked list" in toy.supervisor.failed["toy.consumer"]


async def test_a_message_of_an_unknown_version_parks_its_key(toy: Toy) -> None:
    from dataclasses import replace

    from tests.support.toy import request

    await toy.bus.publish([replace(request(ident(1), 1, Add()), type="cn.onewindow.coordinator.Add.v9")])
    await toy.send((ident(2), 1, Add()))
    await total(toy, ident(2), 1)
    await eventually(toy.service.parking.listing, "the other to be parked")
    (row,) = await toy.service.parking.listing()
    assert "Add.v9" in row["reason"]


async def test_a_timer_fires_once_when_business_time_reaches_it(toy: Toy) -> None:
    """I7: timers fire once."""
    await toy.send((ident(1), 1, Add(timer_after=3600)))
    await total(toy, ident(1), 1)
    toy.clock.set(NOW + timedelta(seconds=3599))
    toy.service.news.timers.set()
    assert (await toy.tally(ident(1))).fired == 0
    toy.clock.set(NOW + timedelta(seconds=3601))
    toy.service.news.timers.set()

    async def fired() -> bool:
        return (await toy.tally(ident(1))).fired == 1

    await eventually(fired, "the timer")
    assert await toy.fetch("SELECT 1 FROM toy.timer") == []


async def test_a_silent_source_is_told_once_and_asked_again_until_it_answers(toy: Toy) -> None:
    toy.oracle.script = [FactStatus.SILENT, OSError("away"), FactStatus.SILENT]
    await toy.send((ident(1), 1, Add(ask="roll")))

    async def silent() -> bool:
        tally = await toy.tally(ident(1))
        return tally is not None and tally.seen_answers == ["silent"]

    async def put_off() -> bool:
        rows = await toy.fetch("SELECT 1 FROM toy.ask WHERE lease_until IS NOT NULL AND state <> 'answered'")
        return not rows

    await eventually(silent, "the silence to be told")
    while toy.oracle.script:
        await eventually(put_off, "the question to be put off")
        toy.clock.set(toy.clock.now() + timedelta(minutes=5))
        toy.service.news.asks.set()
        asked = len(toy.oracle.asked)
        await eventually(lambda seen=asked: len(toy.oracle.asked) > seen or not toy.oracle.script, "another try")

    await eventually(put_off, "the question to be put off")
    toy.clock.set(toy.clock.now() + timedelta(hours=2))
    toy.service.news.asks.set()

    async def answered() -> bool:
        return (await toy.tally(ident(1))).seen_answers == ["silent", "confirmed"]

    await eventually(answered, "the answer")
    assert {row["state"] for row in await toy.fetch("SELECT state FROM toy.ask")} == {"answered"}


async def test_what_is_asked_rests_sealed(toy: Toy) -> None:
    toy.oracle.script = [FactStatus.SILENT] * 50
    await toy.send((ident(1), 1, Add(ask="roll")))
    await total(toy, ident(1), 1)
    (row,) = await toy.fetch("SELECT question FROM toy.ask")
    assert "李国强" not in row["question"]
    assert "secret" not in row["question"]


def _adding(n: int, seen: list[int] | None = None):  # type: ignore[no-untyped-def]
    def add(state: Tally | None, ctx: object) -> tuple[Changes[Tally], dict[str, int]]:
        tally = state or Tally(id=ident(1))
        tally.total += n
        if seen is not None:
            seen.append(n)
        return Changes(tally), {"total": tally.total}

    return add


async def test_a_command_with_a_repeated_key_gives_the_stored_answer_and_no_second_effect(toy: Toy) -> None:
    key = ("clerk", "/add", "k1", b'{"n":2}')
    first = await toy.service.command("tally", ident(1), _adding(2), actor="clerk", idempotency=key)
    again = await toy.service.command("tally", ident(1), _adding(2), actor="clerk", idempotency=key)
    assert first == again == {"total": 2}
    with pytest.raises(Invalid) as caught:
        await toy.service.command(
            "tally", ident(1), _adding(3), actor="clerk", idempotency=("clerk", "/add", "k1", b'{"n":3}')
        )
    assert caught.value.errors[0].code == "IDEMPOTENCY_KEY_REUSED"
    assert (await toy.tally(ident(1))).total == 2


async def test_a_refused_command_stores_nothing_and_leaves_its_key_free(toy: Toy) -> None:
    def refuse(state: object, ctx: object) -> tuple[None, None]:
        raise RefusedError(Refused("NOT_NOW"))

    key = ("clerk", "/add", "k1", b"{}")
    with pytest.raises(RefusedError):
        await toy.service.command("tally", ident(1), refuse, actor="clerk", idempotency=key)
    assert await toy.service.command("tally", ident(1), _adding(1), actor="clerk", idempotency=key) == {"total": 1}


async def test_many_commands_at_once_on_one_aggregate_each_count(toy: Toy) -> None:
    await asyncio.gather(*(toy.service.command("tally", ident(1), _adding(1), actor="c") for _ in range(50)))
    assert (await toy.tally(ident(1))).total == 50


async def test_one_failing_command_does_not_take_its_neighbours_with_it(toy: Toy) -> None:
    def fail(state: object, ctx: object) -> tuple[None, None]:
        raise RefusedError(Refused("NO"))

    async def add(n: int) -> object:
        def one(state: Tally | None, ctx: object) -> tuple[Changes[Tally], int]:
            return Changes(state or Tally(id=ident(n))), n

        return await toy.service.command("tally", ident(n), one, actor="c")

    results = await asyncio.gather(
        *(add(n) for n in range(5)),
        toy.service.command("tally", ident(99), fail, actor="c"),
        *(add(n) for n in range(5, 10)),
        return_exceptions=True,
    )
    assert [r for r in results if not isinstance(r, Exception)] == list(range(10))
    assert sum(isinstance(r, RefusedError) for r in results) == 1


async def test_the_same_request_sent_twice_at_once_is_answered_409_while_the_first_runs(toy: Toy) -> None:
    key = ("clerk", "/add", "k1", b"{}")
    answers = await asyncio.gather(
        *(toy.service.command("tally", ident(1), _adding(1), actor="c", idempotency=key) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(a, Conflict) for a in answers) == 3
    assert (await toy.tally(ident(1))).total == 1


async def test_a_database_that_is_gone_is_transient_and_leaves_nothing_half_done(toy: Toy) -> None:
    await toy.stop()
    await toy.db.close()
    with pytest.raises(Transient):
        await toy.service.load("tally", ident(1))


async def test_a_service_cannot_read_another_services_schema(toy: Toy) -> None:
    import asyncpg

    async with toy.db.connection() as conn:
        await conn.execute("CREATE SCHEMA neighbour; CREATE TABLE neighbour.secret (n int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with toy.service.read() as conn:
            await conn.fetch("SELECT * FROM neighbour.secret")


async def test_two_copies_of_a_service_share_the_work_and_nothing_is_done_twice(toy: Toy, tmp_path: Path) -> None:
    other = Toy(toy.db, tmp_path / "keys")
    await other.start()
    ids = [new_id() for _ in range(40)]
    for version in range(1, 4):
        await toy.send(*((i, version, Add(ask=f"a{version}", timer_after=0)) for i in ids))

    async def done() -> bool:
        rows = await toy.fetch(
            "SELECT total, body->>'fired' AS f, json_array_length(body->'seen_answers') AS a FROM toy.tally"
        )
        return len(rows) == 40 and all(r["total"] == 3 and r["a"] == 3 and int(r["f"]) >= 1 for r in rows)

    await eventually(done, "all to be counted", 40)
    assert len(await toy.fetch("SELECT 1 FROM toy.line")) == 120
    await other.stop()


async def test_a_missing_figure_parks_the_case_that_needs_it_and_stops_nobody_else(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy.service, "policy", Policy())
    await toy.send((ident(1), 1, Add(rule="toy.cap")), (ident(2), 1, Add()))
    await total(toy, ident(2), 1)

    async def parked() -> bool:
        return bool(await toy.service.parking.listing())

    await eventually(parked, "the case without its figure to be parked")
    (row,) = await toy.service.parking.listing()
    assert "toy.cap" in row["reason"]
    assert toy.supervisor.failed == {}


async def test_a_large_unit_lets_others_have_their_turn(db: Database, tmp_path: Path) -> None:
    toy = Toy(db, tmp_path / "keys")
    await toy.start(workers=False)
    turns: list[int] = []

    def slow(n: int) -> Callable[[Any, Ctx], tuple[Changes[Tally], int]]:
        def work(state: Tally | None, _: Ctx) -> tuple[Changes[Tally], int]:
            until = monotonic() + 2 * SLICE_SECONDS
            while monotonic() < until:
                pass
            turns.append(n)
            return Changes(state or Tally(id=ident(n))), n

        return work

    async def request() -> None:
        while len(turns) < 3:
            await asyncio.sleep(0)
        turns.append(-1)

    waiting = asyncio.create_task(request())
    await toy.service.unit_of_work.apply([Entry("tally", ident(n), slow(n), "slow") for n in range(10)])
    await waiting
    assert turns.index(-1) < 5
    await toy.stop()


async def test_messages_wait_while_somebody_waits_for_a_command_and_never_for_good(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precedence, "MOST_SECONDS", 3.0)
    order: list[str] = []
    held, first = asyncio.Event(), toy.service.precedence
    after_commands = first.after_commands

    async def noted(spent: float) -> None:
        held.set()
        await after_commands(spent)

    monkeypatch.setattr(first, "after_commands", noted)

    async def told() -> None:
        await toy.send((ident(4), 1, Add()))
        await eventually(lambda: toy.tally(ident(4)), "the message to be counted")
        order.append("message")

    toy.service.unit_of_work._spent = 60.0
    with first.command():
        telling = asyncio.create_task(told())
        await asyncio.wait_for(held.wait(), 20)
        answer = await toy.service.command("tally", ident(1), _adding(2), actor="clerk")
        order.append("command")
        await telling
    assert answer == {"total": 2}
    assert order == ["command", "message"], "held back for a while, and not until the end of the day"
