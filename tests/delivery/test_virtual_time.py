"""The virtual clock: one row for every process, moved from timer to timer when the work is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from shared.clock import VirtualClock
from shared.db.engine import Database
from shared.errors import Conflict
from shared.messages import derived_id
from shared.runtime.virtual_time import VirtualTime
from tests.support.database import eventually
from tests.support.toy import NAME, NOW, Add, Toy


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    made = Toy(db, tmp_path / "keys")
    await made.start()
    yield made
    await made.stop()


async def time_of(toy: Toy) -> VirtualTime:
    made = VirtualTime(toy.clock, toy.service.site, toy.bus, {NAME: toy.db})
    made.wake(toy.service.news.timers, toy.service.news.asks)
    await made.start()
    toy.supervisor.start("clock.follow", made.follow)
    return made


async def test_a_jump_stops_at_every_timer_so_that_each_fires_on_its_own_day(toy: Toy) -> None:
    time = await time_of(toy)
    for n, days in enumerate((1, 2, 5)):
        await toy.send((derived_id("v", n), 1, Add(timer_after=days * 86_400.0)))
    await time.move(NOW + timedelta(days=3))
    fired = [(await toy.tally(derived_id("v", n))).fired for n in range(3)]
    assert fired == [1, 1, 0]
    rows = await toy.fetch("SELECT DISTINCT at::date AS day FROM toy.audit WHERE action LIKE 'timer:%' ORDER BY 1")
    assert [row["day"].day for row in rows] == [22, 23]


async def test_another_process_follows_the_row_and_a_restart_does_not_go_back(toy: Toy) -> None:
    time = await time_of(toy)
    await time.move(NOW + timedelta(days=3))
    late = VirtualClock(NOW)
    again = VirtualTime(late, toy.service.site, toy.bus, {NAME: toy.db})
    await again.start()
    assert late.now() == NOW + timedelta(days=3)
    toy.supervisor.start("clock.other", again.follow)
    await time.move(NOW + timedelta(days=4))
    await eventually(lambda: late.now() == NOW + timedelta(days=4), "the other clock to follow")


async def test_the_clock_never_goes_back(toy: Toy) -> None:
    time = await time_of(toy)
    with pytest.raises(Conflict):
        await time.move(NOW - timedelta(seconds=1))


async def test_a_clock_that_runs_takes_along_whoever_starts_later(toy: Toy) -> None:
    """Else a copy started anew would leave what its elder has put off until 'now' for as long as the elder has run."""
    running = VirtualClock(NOW, 3600.0)
    elder = VirtualTime(running, toy.service.site, toy.bus, {NAME: toy.db})
    await elder.start()
    toy.supervisor.start("clock.elder", elder.follow)
    await eventually(lambda: running.now() > NOW + timedelta(hours=4), "four hours to pass")
    younger = VirtualClock(NOW, 3600.0)
    again = VirtualTime(younger, toy.service.site, toy.bus, {NAME: toy.db})
    await again.start()
    toy.supervisor.start("clock.younger", again.follow)

    def together() -> bool:
        return abs(running.now() - younger.now()) < timedelta(hours=2)

    await eventually(together, "the younger clock to stand with the elder")
