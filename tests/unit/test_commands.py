"""Commands that wait together: each caller is answered, whatever ends the lane that runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from shared.delivery.commands import Commands
from shared.delivery.unit_of_work import Entry
from shared.errors import Transient
from shared.messages import derived_id
from shared.precedence import Precedence


class Unit:
    """Fails for several at once, and stands still at the first one alone."""

    def __init__(self) -> None:
        self.alone = asyncio.Event()

    async def apply(self, entries: Sequence[Entry], *, failpoint: str) -> None:
        if len(entries) > 1:
            raise RuntimeError("one of them is bad")
        self.alone.set()
        await asyncio.Event().wait()


async def test_a_lane_that_ends_while_it_runs_them_one_by_one_leaves_no_caller_waiting() -> None:
    unit = Unit()
    service: Any = SimpleNamespace(unit_of_work=unit, precedence=Precedence())
    commands = Commands(service)
    callers = [
        asyncio.create_task(commands.run(Entry("toy", derived_id("toy", n), lambda *_: (None, None), "add")))
        for n in range(4)
    ]
    await asyncio.sleep(0)
    serving = asyncio.create_task(commands.serve())
    await asyncio.wait_for(unit.alone.wait(), 5)
    serving.cancel()
    answers = await asyncio.wait_for(asyncio.gather(*callers, return_exceptions=True), 5)
    assert [type(answer) for answer in answers] == [Transient] * 4
