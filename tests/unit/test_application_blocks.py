"""Application numbers come in blocks: however many are handed in at once, one block is taken for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from services.intake.store import BLOCK, next_number

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Handle:
    """Takes blocks as the database gives them, each a while later."""

    def __init__(self) -> None:
        self.taken = 0

    @asynccontextmanager
    async def write(self, actor: str) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        yield self

    async def fetchval(self, sql: str, region: str, day: Any, size: int) -> int:
        self.taken += 1
        await asyncio.sleep(0)
        return self.taken * size


async def test_many_at_once_take_one_block() -> None:
    handle: Any = Handle()
    numbers = await asyncio.gather(*(next_number(handle, "420112", NOW, "window") for _ in range(BLOCK)))
    assert len(set(numbers)) == BLOCK
    assert handle.taken == 1


async def test_more_than_a_block_take_as_many_as_they_need() -> None:
    handle: Any = Handle()
    numbers = await asyncio.gather(*(next_number(handle, "420112", NOW, "window") for _ in range(2 * BLOCK + 1)))
    assert len(set(numbers)) == 2 * BLOCK + 1
    assert handle.taken == 3
