"""The worker of papers and messages: issues what was made, then sends what is to be told, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from services.intake.store import issuing, sealing, sending
from shared.clock import monotonic
from shared.db.waiting import LOOK_SECONDS, wait_for
from shared.messaging.unconnected import Unconnected

if TYPE_CHECKING:
    from shared.runtime.service import RunningService
    from shared.runtime.spec import ServiceHandle

GATHER_SECONDS = 0.6
"""Real time in which papers gather after the first was made: so many are issued in one transaction, none waits long."""

_WORK = """
SELECT EXISTS (SELECT FROM intake.paper WHERE number IS NULL AND held IS NULL) AS papers,
    EXISTS (SELECT FROM intake.message WHERE state = 'waiting' AND due_at <= $1) AS messages,
    EXISTS (SELECT FROM intake.paper WHERE unsealed) AS unsealed
"""


async def papers(handle: ServiceHandle) -> None:
    """Papers are issued within a second of the commit that made them; messages go out once their papers are there."""
    service = cast("RunningService", handle)
    connected = not isinstance(service.messenger, Unconnected)
    await issuing.release_held(service)
    if connected:
        await sending.expire(service)
    while True:
        await wait_for(service.news.rows, LOOK_SECONDS)
        await asyncio.sleep(GATHER_SECONDS)
        async with service.read() as conn:
            work = await conn.fetchrow(_WORK, service.clock.now())
        while work["papers"] and await _behind(service, issuing.issue) >= issuing.MOST:
            pass
        if work["unsealed"] and not service.seals.at_hand:
            await sealing.seal_waiting(service)
        while (
            connected and (work["messages"] or work["papers"]) and await _behind(service, sending.send) >= sending.MOST
        ):
            pass


async def _behind(service: RunningService, batch: Callable[[RunningService], Awaitable[int]]) -> int:
    """A batch, and after it a rest for as long as somebody waits at the window."""
    begun = monotonic()
    done = await batch(service)
    await service.precedence.after_commands(monotonic() - begun)
    return done
