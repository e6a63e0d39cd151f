"""Live rows: what a process holds in memory of its aggregates is never older than what is stored, nor other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.bus.port import Record
from shared.changes import Ctx
from shared.db.engine import Database
from shared.delivery.live import LiveRows
from shared.delivery.unit_of_work import Entry
from shared.messages import attributes, derived_id
from tests.support.toy import Add, Tally, Toy, request

ONE = derived_id("toy", "live")


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start(workers=False)
    yield made
    await made.stop()


def record(version: int, message: Add, identity: UUID = ONE) -> Record:
    envelope = request(identity, version, message)
    return Record(envelope.topic, 0, version, envelope.key, attributes(envelope), envelope.data)


async def test_what_another_process_wrote_is_read_before_the_next_message(toy: Toy, tmp_path: Path) -> None:
    other = Toy(toy.db, tmp_path / "keys")
    await other.start(workers=False)
    for version, process in enumerate((toy, other, toy, other), 1):
        await process.service.hearing.handle([record(version, Add(n=10**version))])
    tally = await toy.tally(ONE)
    assert tally is not None
    assert (tally.total, tally.version) == (11110, 4)
    await other.stop()


async def test_a_unit_that_failed_leaves_nothing_of_it_in_memory(toy: Toy) -> None:
    def spoil(state: Any, _: Ctx) -> Any:
        state.total = 99
        raise RuntimeError

    await toy.service.hearing.handle([record(1, Add(n=1))])
    with pytest.raises(RuntimeError):
        await toy.service.unit_of_work.apply([Entry("tally", ONE, spoil, "spoil")])
    await toy.service.hearing.handle([record(2, Add(n=5))])
    tally = await toy.tally(ONE)
    assert tally is not None
    assert tally.total == 6


async def test_a_busy_aggregate_is_not_read_again(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    await toy.service.hearing.handle([record(1, Add(n=1))])
    monkeypatch.setattr(Tally, "model_validate_json", lambda _: pytest.fail("it was parsed again"))
    await toy.service.hearing.handle([record(2, Add(n=2))])
    monkeypatch.undo()
    tally = await toy.tally(ONE)
    assert tally is not None
    assert tally.total == 3


def test_of_many_copies_the_longest_unused_is_let_go_first() -> None:
    live = LiveRows(most=2)
    ids = [derived_id("toy", n) for n in range(3)]
    for identity in (ids[0], ids[1], ids[0], ids[2]):
        live.keep({("tally", identity): Tally(id=identity)})
    assert set(live.take("tally", ids)) == {ids[0], ids[2]}
    assert live.take("tally", ids) == {}
