"""The worker of papers and messages: issues what was made, then sends what is to be told, for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from services.intake.store import issuing, sending
from shared.messaging.unconnected import Unconnected

if TYPE_CHECKING:
    from shared.runtime.service import RunningService
    from shared.runtime.spec import ServiceHandle

LOOK_SECONDS = 0.25
"""Real time between two looks: so many papers are then issued in one transaction, and none waits for a second."""


async def papers(handle: ServiceHandle) -> None:
    """Papers are issued within a second of the commit that made them; messages go out once their papers are there."""
    service = cast("RunningService", handle)
    connected = not isinstance(service.messenger, Unconnected)
    await issuing.release_held(service)
    if connected:
        await sending.expire(service)
    while True:
        while await issuing.issue(service) >= issuing.MOST:
            pass
        while connected and await sending.send(service) >= sending.MOST:
            pass
        await asyncio.sleep(LOOK_SECONDS)
