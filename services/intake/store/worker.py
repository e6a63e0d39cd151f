"""The workers of papers, seals and messages, each for ever and apart: one that waits for a provider holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from services.intake.store import issuing, sealing, sending
from shared.clock import monotonic
from shared.delivery.waiting import LOOK_SECONDS, wait_for
from shared.messaging.unconnected import Unconnected

if TYPE_CHECKING:
    from shared.delivery.service import RunningService
    from shared.spec import ServiceHandle

GATHER_SECONDS = 0.6
"""Real time in which papers gather after the first was made: so many are issued in one transaction, none waits long."""

HELD_SECONDS = 600.0
"""Real time after which what was held is tried again: the key that it lacked may have come."""


async def papers(handle: ServiceHandle) -> None:
    """Papers are issued within a second of the commit that made them."""
    service = cast("RunningService", handle)
    again = monotonic()
    while True:
        if monotonic() >= again:
            await issuing.release_held(service)
            again = monotonic() + HELD_SECONDS
        await _news(service)
        issued = False
        while await issuing.waiting(service):
            issued = True
            if await _behind(service, issuing.issue_each) < issuing.MOST:
                break
        if issued:
            service.news.rows.set()  # messages wait for their papers


async def seals(handle: ServiceHandle) -> None:
    """Papers that were issued without a seal get it from a provider outside."""
    service = cast("RunningService", handle)
    if service.seals.at_hand:  # then they are put when the papers are issued
        await asyncio.Event().wait()
    after = None
    while True:
        await _news(service)
        after = await sealing.seal_waiting(service, after)


async def messages(handle: ServiceHandle) -> None:
    """News goes out once its papers are there."""
    service = cast("RunningService", handle)
    if isinstance(service.messenger, Unconnected):
        await asyncio.Event().wait()
    await sending.expire(service)
    while True:
        await _news(service)
        while await sending.waiting(service) and await _behind(service, sending.send) >= sending.MOST:
            pass


async def _news(service: RunningService) -> None:
    await wait_for(service.news.rows, LOOK_SECONDS)
    await asyncio.sleep(GATHER_SECONDS)


async def _behind(service: RunningService, batch: Callable[[RunningService], Awaitable[int]]) -> int:
    """A batch, and after it a rest for as long as somebody waits at the window."""
    begun = monotonic()
    done = await batch(service)
    await service.precedence.after_commands(monotonic() - begun)
    return done
