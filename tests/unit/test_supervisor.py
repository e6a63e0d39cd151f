"""Workers run until they are stopped, whatever ends them in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.crypto.sealing import no_key
from shared.delivery.consumer import TooManyFailures
from shared.runtime import supervisor as supervision
from shared.runtime.supervisor import Supervisor
from tests.support.database import eventually


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.001)


def failing_first(cause: BaseException, starts: list[int]) -> Callable[[], Awaitable[None]]:
    """Fails at its first start and then works for good."""

    async def work() -> None:
        starts.append(len(starts))
        if len(starts) == 1:
            raise cause
        await asyncio.Event().wait()

    return work


@pytest.mark.parametrize("cause", [RuntimeError("a defect"), asyncio.CancelledError("a library's own")])
async def test_a_worker_that_fails_is_started_again_also_by_a_cancellation_nobody_asked_for(
    cause: BaseException,
) -> None:
    starts: list[int] = []
    supervisor = Supervisor()
    supervisor.start("toy.consumer", failing_first(cause, starts))
    await eventually(lambda: len(starts) == 2, "the second start")
    await supervisor.stop()
    assert supervisor.failed == {}


async def test_a_worker_that_must_not_go_on_is_named_and_left_alone() -> None:
    starts: list[int] = []
    supervisor = Supervisor()
    supervisor.start("toy.consumer", failing_first(TooManyFailures("五个", "five"), starts))
    await eventually(lambda: supervisor.failed, "the failure to be named")
    await supervisor.stop()
    assert list(supervisor.failed) == ["toy.consumer"]
    assert len(starts) == 1


async def test_a_worker_that_lacks_a_key_is_named_and_goes_on_once_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """On several machines the key folder reaches one after the other; until then what is sealed under it waits."""
    monkeypatch.setattr(supervision, "LONGEST_PAUSE", 0.3)
    starts: list[int] = []
    supervisor = Supervisor()
    supervisor.start("toy.consumer", failing_first(no_key("toy.2-0"), starts))
    await eventually(lambda: "toy.2-0" in supervisor.failed.get("toy.consumer", ""), "the key to be named")
    await eventually(lambda: len(starts) == 2, "the second start")
    assert supervisor.failed == {}
    await supervisor.stop()


async def test_stopping_ends_every_worker() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("put away")

    supervisor = Supervisor()
    supervisor.start("toy.relay", work)
    await asyncio.sleep(0)
    await asyncio.wait_for(supervisor.stop(), 20)
    assert ended == ["put away"]
