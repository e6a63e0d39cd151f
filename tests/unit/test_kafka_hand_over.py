"""What a Kafka producer was handed before and after it was given up: told at once, never waited for, never taken for sent."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from shared.bus.kafka import KafkaBus

ROWS = [{"topic": "t", "partition": 0, "key": "k", "data": b"", "headers": {}} for _ in range(3)]


class Failing:
    """A producer that fails what it was handed first while it is handed the second, which then nobody sends."""

    def __init__(self) -> None:
        self.held: list[asyncio.Future[Any]] = []
        self._sender = SimpleNamespace(sender_task=asyncio.create_task(asyncio.Event().wait()))
        self._message_accumulator = SimpleNamespace(fail_all=self._fail_all)

    def _fail_all(self, cause: BaseException) -> None:
        for future in self.held:
            if not future.done():
                future.set_exception(cause)

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[Any]:
        if len(self.held) == 1:
            self.held[0].set_exception(NotLeaderForPartitionError())
            await asyncio.sleep(0.01)  # whoever waits on the first is told meanwhile
        future = asyncio.get_running_loop().create_future()
        self.held.append(future)
        return future


async def test_what_nobody_sends_any_more_is_not_waited_for_and_the_first_cause_is_told() -> None:
    bus = KafkaBus.__new__(KafkaBus)
    bus.link = SimpleNamespace(prefix="")  # type: ignore[assignment]
    producer = Failing()
    async with asyncio.timeout(5):
        with pytest.raises(NotLeaderForPartitionError):
            await bus._hand_over(producer, ROWS)  # type: ignore[arg-type]
    assert len(producer.held) == 2, "the third is kept for the next producer"
