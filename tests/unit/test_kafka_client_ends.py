"""Ending a client of the library: it may break off, hang or be cancelled from inside, and none of it reaches us."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.kafka_link import ended


async def breaks_off() -> None:
    """As aiokafka's `stop()` does when one of its fetches was pausing after a lost connection."""
    inner = asyncio.ensure_future(asyncio.sleep(60))
    inner.cancel()
    await inner


async def fails() -> None:
    raise ConnectionError("no broker")


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("stop", [breaks_off, fails, hangs])
async def test_a_client_that_ends_badly_does_not_end_who_wanted_rid_of_it(stop) -> None:
    asked = asyncio.ensure_future(ended(stop(), 0.05))
    await asyncio.wait({asked}, timeout=5)
    assert asked.done()
    assert not asked.cancelled()
    assert asked.exception() is None
