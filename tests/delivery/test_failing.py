"""A timer or an answer that can never be applied: the others go on, and somebody is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.db.engine import Database
from shared.delivery import timers
from shared.outcomes import FactStatus
from tests.delivery.test_delivery import ident, total
from tests.support.database import eventually
from tests.support.toy import SERVICE, Add, Toy, on_answer, on_timer


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start()
    yield made
    await made.stop()


def broken(monkeypatch: pytest.MonkeyPatch, what: str, works: Any, *numbers: int) -> set[int]:
    """From now on the handler fails for these aggregates, as long as they stand in what is returned."""
    bad = set(numbers)

    def handler(state: Any, told: Any, ctx: Any) -> Any:
        if state.id in {ident(n) for n in bad}:
            raise RuntimeError("a defect of ours")
        return works(state, told, ctx)

    monkeypatch.setitem(SERVICE.local, ("tally", what), handler)  # type: ignore[arg-type]
    return bad


async def test_timers_that_fail_keep_no_other_from_firing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: as many as are taken at a time fail, all of them due before the one that works."""
    monkeypatch.setattr(timers, "MOST", 3)
    broken(monkeypatch, "timer:*", on_timer, 1, 2, 3)
    await toy.send(*((ident(n), 1, Add(timer_after=-10)) for n in (1, 2, 3)))
    for n in (1, 2, 3):
        await total(toy, ident(n), 1)
    await toy.send((ident(4), 1, Add(timer_after=-5)))
    await total(toy, ident(4), 1)

    async def fired() -> bool:
        tally = await toy.tally(ident(4))
        return tally is not None and tally.fired == 1

    await eventually(fired, "the timer behind them")


@pytest.mark.parametrize(
    ("what", "works", "message"),
    [("timer:*", on_timer, Add(timer_after=-1)), ("answer:*", on_answer, Add(ask="roll"))],
    ids=["timer", "answer"],
)
async def test_what_fails_again_and_again_is_told_as_stuck_until_it_goes_through(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, what: str, works: Any, message: Add
) -> None:
    """I6: the row that would move it is there, so no other view finds it."""
    from shared.delivery import failing

    monkeypatch.setattr(failing, "FIRST_REST", 0.01)
    bad = broken(monkeypatch, what, works, 1)
    await toy.send((ident(1), 1, message))

    async def is_stuck() -> bool:
        await toy.fetch("UPDATE toy.ask SET lease_until = NULL")
        return [(one["id"], one["reason"]) for one in await toy.service.stuck.look()] == [
            (ident(1), "TIMER_OR_ANSWER_FAILS")
        ]

    await eventually(is_stuck, "somebody to be told")
    bad.clear()

    async def is_free() -> bool:
        await toy.fetch("UPDATE toy.ask SET lease_until = NULL WHERE state = 'open'")
        return await toy.service.stuck.look() == []

    await eventually(is_free, "it to go through")
    tally = await toy.tally(ident(1))
    assert tally is not None
    assert (tally.fired, len(tally.seen_answers)) in {(1, 0), (0, 1)}


async def test_a_question_that_cannot_be_opened_keeps_no_other_from_being_put(toy: Toy) -> None:
    """Its key has not come to this machine, or the row was altered."""
    toy.oracle.script = [FactStatus.SILENT]
    await toy.send((ident(1), 1, Add(ask="roll")))

    async def put_off() -> bool:
        return len(await toy.fetch("SELECT 1 FROM toy.ask WHERE lease_until IS NULL")) == 1

    await eventually(put_off, "the question to be put off")
    await toy.fetch("UPDATE toy.ask SET question = replace(question, 'toy.1-', 'toy.2-')")
    toy.oracle.script = [FactStatus.SILENT]
    await toy.send((ident(2), 1, Add(ask="roll")))

    async def both_put_off() -> bool:
        return len(await toy.fetch("SELECT 1 FROM toy.ask WHERE lease_until IS NULL")) == 2

    await eventually(both_put_off, "the other to be put off")
    toy.clock.set(toy.clock.now() + timedelta(minutes=5))

    async def answered() -> bool:
        tally = await toy.tally(ident(2))
        return tally is not None and tally.seen_answers == ["silent", "confirmed"]

    await eventually(answered, "the other to be answered")
    assert toy.supervisor.failed == {}
