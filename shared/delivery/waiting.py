"""How a worker waits for news, and applies what it found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from shared.delivery.unit_of_work import Entry
from shared.errors import NewerRelease, Transient

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.workers")
MOST = 256
"""Rows a worker takes at a time."""

LOOK_SECONDS = 1.0
"""Real time after which a worker looks by itself for what another process left."""


Local = tuple[UUID, Entry]
"""A timer's or question's row, and what is to be done by it."""


async def wait_for(news: asyncio.Event, seconds: float) -> None:
    """Waits for news, at most so many seconds of real time, and takes the news."""
    # Not `asyncio.wait_for`: on 3.11 it swallows a cancellation that meets the event, and a worker would never end.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.001, seconds)):
            await news.wait()
    news.clear()


async def apply_each(service: RunningService, entries: Sequence[Local]) -> None:
    """Applies entries, each with its row, together, and one by one when that fails; one that fails alone is logged,
    stays due, and is noted as failing; what only a newer release may touch stays due for a copy of that one."""
    try:
        await service.unit_of_work.apply_behind([entry for _, entry in entries])
    except Exception as cause:
        if isinstance(cause, Transient) and not isinstance(cause, NewerRelease):
            raise
        for row, entry in entries:  # whose fault it is shows one by one
            await _apply_alone(service, row, entry)
    else:
        for row, _ in entries:
            service.failing.clear(row)


async def _apply_alone(service: RunningService, row: UUID, entry: Entry) -> None:
    try:
        await service.unit_of_work.apply([entry])
    except NewerRelease as cause:
        service.newer.met(cause, entry.aggregate_id)
    except Transient:
        raise
    except Exception as cause:  # one bad row must not stop the others
        log.exception(
            "local_message_failed", service=service.spec.name, action=entry.action, cause=type(cause).__name__
        )
        service.failing.note(row, entry.kind, entry.aggregate_id, entry.action)
    else:
        service.failing.clear(row)
