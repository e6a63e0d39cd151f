"""People go first, and the work behind the window goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from shared import precedence as module
from shared.clock import monotonic
from shared.precedence import SLICE_SECONDS, Precedence, Slices


def goes_on_at_once(waiting: Coroutine[Any, Any, None]) -> bool:
    """Whether it ends without giving way a single time."""
    with pytest.raises(StopIteration):
        waiting.send(None)
    return True


async def test_work_behind_waits_for_whoever_waits_for_an_answer_and_goes_on_with_the_last_of_them():
    precedence = Precedence()
    order: list[str] = []

    async def behind() -> None:
        await precedence.after_commands(10.0)
        order.append("behind")

    with precedence.command():
        with precedence.command():
            working = asyncio.create_task(behind())
            await asyncio.sleep(0)
            order.append("first")
        await asyncio.sleep(0)
        order.append("second")
    await working
    assert order == ["first", "second", "behind"]


def test_work_behind_waits_for_nobody_when_nobody_waits():
    assert goes_on_at_once(Precedence().after_commands(10.0))


@pytest.mark.parametrize(("spent", "waits"), [(0.02, 0.04), (60.0, 0.05), (0.0, 0.0)])
async def test_work_behind_has_its_share_though_somebody_always_waits(spent, waits, monkeypatch):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.05)
    precedence = Precedence()
    with precedence.command():
        begun = monotonic()
        await asyncio.wait_for(precedence.after_commands(spent), 10)
        assert monotonic() - begun >= waits * 0.9


def test_a_command_that_failed_holds_up_nobody():
    precedence = Precedence()
    with pytest.raises(ValueError, match="refused"), precedence.command():
        raise ValueError("refused")
    assert goes_on_at_once(precedence.after_commands(3600.0))


async def test_long_work_gives_way_once_its_slice_is_used_up(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    slices, turns = Slices(), []

    async def request() -> None:
        turns.append("request")

    waiting = asyncio.create_task(request())
    await slices.give_way()
    assert turns == []
    now[0] += 2 * SLICE_SECONDS
    await slices.give_way()
    assert turns == ["request"]
    await waiting
