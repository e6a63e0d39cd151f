"""What a crash leaves behind, on the toy service: asks in doubt, due timers, and the patience of whoever comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tenacity import RetryCallState, wait_exponential

from shared import failpoints
from shared.db import engine
from shared.db.engine import Database, mapped_errors
from shared.delivery import consumer
from shared.errors import Transient
from shared.messages import derived_id
from shared.outcomes import FactStatus
from shared.runtime.workers import workers_of
from tests.support.database import eventually
from tests.support.toy import NOW, REQUESTS, Add, Toy


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start()
    yield made
    failpoints.arm("")
    await made.stop()


def ident(n: int) -> UUID:
    return derived_id("toy", n)


async def answered(toy: Toy, identity: UUID, said: list[str]) -> None:
    async def heard() -> bool:
        tally = await toy.tally(identity)
        return tally is not None and tally.seen_answers == said

    await eventually(heard, f"{said} to be heard")


async def lease_ends(toy: Toy) -> None:
    """The lease of whoever crashed with a question in hand runs out."""
    async with toy.db.connection() as conn:
        await conn.execute("UPDATE toy.ask SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
    toy.service.news.asks.set()


@pytest.mark.parametrize("failpoint", ["ask.before", "ask.after"])
async def test_an_ask_with_an_effect_that_a_crash_left_in_doubt_is_put_again_under_the_same_key(
    toy: Toy, failpoint: str
) -> None:
    failpoints.arm(f"toy/{failpoint}=error")
    await toy.send((ident(1), 1, Add(ask="pay", effect=True)))

    async def in_doubt() -> bool:
        return [row["state"] for row in await toy.fetch("SELECT state FROM toy.ask")] == ["in_doubt"]

    await eventually(in_doubt, "the ask to be in doubt")
    await eventually(lambda: not failpoints._armed, "the crash")
    assert (await toy.tally(ident(1))).seen_answers == []
    await lease_ends(toy)
    await answered(toy, ident(1), ["confirmed"])
    keys = [question.idempotency_key for question in toy.oracle.asked]
    assert len(keys) == (2 if failpoint == "ask.after" else 1)
    assert len(set(keys)) == 1
    assert [row["state"] for row in await toy.fetch("SELECT state FROM toy.ask")] == ["answered"]


async def test_a_question_is_put_at_once_though_the_answer_to_its_commit_was_lost(db: Database, tmp_path: Path) -> None:
    """I6: the unit is redone and found applied, and its question must not wait for the end of its own lease."""
    toy = Toy(db, tmp_path / "keys")
    await toy.start(workers=False)
    try:
        await toy.send((ident(1), 1, Add(ask="age")))
        (record,) = await toy.bus.subscribe("reader", [REQUESTS]).fetch(10, 1)
        failpoints.arm("toy/database.after_commit=error")
        with pytest.raises(Transient):
            await toy.service.hearing.handle([record])
        await toy.service.hearing.handle([record])
        toy.supervisor.start("toy.asks", workers_of(toy.service)["asks"])
        await answered(toy, ident(1), ["confirmed"])
    finally:
        failpoints.arm("")
        await toy.stop()


async def test_an_ask_in_the_hands_of_a_living_copy_is_not_put_by_another(
    toy: Toy, db: Database, tmp_path: Path
) -> None:
    other = Toy(db, tmp_path / "keys")
    await other.start(schema=False)
    held = asyncio.Event()
    answer = toy.oracle.answer

    async def slowly(questions: object) -> object:
        await held.wait()
        return await answer(questions)  # type: ignore[arg-type]

    toy.oracle.answer = other.oracle.answer = slowly  # type: ignore[method-assign,assignment]
    await toy.send((ident(1), 1, Add(ask="pay", effect=True)))

    async def taken() -> bool:
        return bool(await toy.fetch("SELECT 1 FROM toy.ask WHERE state = 'in_doubt'"))

    await eventually(taken, "one copy to take the ask")
    for copy in (toy, other):
        copy.service.news.asks.set()
    held.set()
    await answered(toy, ident(1), ["confirmed"])
    assert len(toy.oracle.asked) == 1
    await other.stop()


@pytest.mark.parametrize("failpoint", ["timer.before", "unit.before_commit", "unit.after_commit"])
async def test_timers_fire_once_with_two_copies_and_a_crash(
    toy: Toy, db: Database, tmp_path: Path, failpoint: str
) -> None:
    other = Toy(db, tmp_path / "keys")
    await other.start(schema=False)
    ids = [ident(n) for n in range(60)]
    await toy.send(*((i, 1, Add(timer_after=3600)) for i in ids))

    async def all_set() -> bool:
        return len(await toy.fetch("SELECT 1 FROM toy.timer")) == 60

    await eventually(all_set, "all timers to be set")
    failpoints.arm(f"toy/{failpoint}=error")
    for copy in (toy, other):
        copy.clock.set(NOW + timedelta(seconds=3600))
        copy.service.news.timers.set()

    async def all_fired() -> bool:
        return await toy.fetch("SELECT 1 FROM toy.timer") == []

    await eventually(all_fired, "all timers to fire")
    rows = await toy.fetch("SELECT body->>'fired' AS fired FROM toy.tally")
    assert [row["fired"] for row in rows] == ["1"] * 60
    await other.stop()


async def test_a_silent_ask_with_an_effect_is_asked_again_under_the_same_key(toy: Toy) -> None:
    toy.oracle.script = [FactStatus.SILENT]
    await toy.send((ident(1), 1, Add(ask="pay", effect=True)))
    await answered(toy, ident(1), ["silent"])

    async def put_off() -> bool:
        return bool(await toy.fetch("SELECT 1 FROM toy.ask WHERE lease_until IS NULL"))

    await eventually(put_off, "the question to be put off")
    toy.clock.set(NOW + timedelta(minutes=5))
    toy.service.news.asks.set()
    await answered(toy, ident(1), ["silent", "confirmed"])
    assert len({question.idempotency_key for question in toy.oracle.asked}) == 1


async def test_silence_is_told_though_whoever_asked_first_crashed_before_telling_it(toy: Toy) -> None:
    toy.oracle.script = [FactStatus.SILENT] * 2
    failpoints.arm("toy/ask.after=error")
    await toy.send((ident(1), 1, Add(ask="roll")))
    await eventually(lambda: not failpoints._armed, "the crash")
    await lease_ends(toy)
    await eventually(lambda: len(toy.oracle.asked) >= 2, "the question to be put again")
    await eventually(lambda: _told(toy), "the silence to be told")


async def _told(toy: Toy) -> bool:
    tally = await toy.tally(ident(1))
    return tally is not None and tally.seen_answers == ["silent"]


async def test_bad_messages_with_good_ones_between_them_never_stop_the_consumer(toy: Toy) -> None:
    for n in range(7):
        await toy.send((ident(n), 1, Add(poison=True)))
        await eventually(
            lambda n=n: toy.supervisor.failed or len(toy.service.parking.keys) == n + 1, "the bad one to be parked"
        )
        assert toy.supervisor.failed == {}
        await toy.send((ident(100 + n), 1, Add()))

        await eventually(lambda n=n: toy.tally(ident(100 + n)), "the good one to be counted")


async def test_a_consumer_that_worked_again_is_as_patient_as_at_first(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def noting(**growth: float) -> Callable[[RetryCallState], float]:
        grows = wait_exponential(**growth)
        return lambda state: pauses.append(grows(state)) or pauses[-1]  # type: ignore[func-returns-value]

    monkeypatch.setattr(consumer, "wait_exponential", noting)
    toy = Toy(db, tmp_path / "keys")
    await toy.start()
    try:
        for n in range(8):
            failpoints.arm("toy/unit.before_commit=error")
            await toy.send((ident(n), 1, Add()))
            await eventually(lambda n=n: toy.tally(ident(n)), "the message to be counted")
    finally:
        failpoints.arm("")
        await toy.stop()
    assert pauses == [pauses[0]] * 8, "after some short troubles, each overcome, one more costs ever longer"


def test_a_connection_that_broke_in_the_middle_of_a_statement_is_the_databases_fault() -> None:
    with pytest.raises(Transient), mapped_errors():
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")


async def test_what_was_fetched_but_not_applied_at_a_clean_stop_is_delivered_to_the_next_start(
    db: Database, tmp_path: Path
) -> None:
    toy = Toy(db, tmp_path / "keys")
    await toy.start()
    reached = asyncio.Event()

    async def never(records: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    assert toy.service.consumer is not None
    toy.service.consumer._handle = never  # type: ignore[assignment]
    await toy.send((ident(1), 1, Add(n=3)))
    await asyncio.wait_for(reached.wait(), 20)
    await toy.stop()
    async with db.connection() as conn:
        await conn.execute("UPDATE bus.cursor SET lease_until = clock_timestamp() + interval '1 hour'")
    again = Toy(db, tmp_path / "keys")
    await again.start(schema=False)
    try:
        await eventually(lambda: again.tally(ident(1)), "the message to be counted after all")
    finally:
        await again.stop()


async def test_a_question_in_hand_at_a_clean_stop_is_put_at_once_by_the_next_start(
    db: Database, tmp_path: Path
) -> None:
    toy = Toy(db, tmp_path / "keys")
    await toy.start()
    asked = asyncio.Event()

    async def never(questions: object) -> object:
        asked.set()
        return await asyncio.Event().wait()

    toy.oracle.answer = never  # type: ignore[method-assign,assignment]
    await toy.send((ident(1), 1, Add(ask="roll")))
    await asyncio.wait_for(asked.wait(), 20)
    await toy.stop()
    async with db.connection() as conn:
        await conn.execute("UPDATE toy.ask SET lease_until = lease_until + interval '1 hour'")
    again = Toy(db, tmp_path / "keys")
    await again.start(schema=False)
    await answered(again, ident(1), ["confirmed"])
    await again.stop()


async def test_a_process_that_stands_still_in_a_transaction_does_not_hold_up_the_others(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "HUNG", "2s")
    hung, other = Database(dsn, 1), Database(dsn, 1)
    await hung.open()
    await other.open()
    async with other.connection() as conn:
        await conn.execute("CREATE TABLE lock AS SELECT 1 AS id")
    locked, goes_on = asyncio.Event(), asyncio.Event()
    standing = asyncio.create_task(stands_still(hung, locked, goes_on))
    await locked.wait()
    async with other.transaction() as conn, asyncio.timeout(20):
        assert await conn.fetchval("SELECT id FROM lock FOR UPDATE") == 1
    goes_on.set()
    with pytest.raises(Transient):
        await standing
    await hung.close()
    await other.close()


async def stands_still(db: Database, locked: asyncio.Event, goes_on: asyncio.Event) -> None:
    """Holds a lock until it goes on."""
    async with db.transaction() as conn:
        await conn.execute("SELECT id FROM lock FOR UPDATE")
        locked.set()
        await goes_on.wait()
