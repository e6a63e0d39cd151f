"""What is always at work for a running service, beside the requests it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from shared.audit import sealer
from shared.delivery import asks, relay, retention, timers
from shared.delivery.service import RunningService

Worker = Callable[[], Awaitable[None]]


def workers_of(service: RunningService) -> dict[str, Worker]:
    """The workers of a service that was started, by name: those of every service, and its own. Each runs until cancelled."""
    return {
        "commands": service.commands.serve,
        "consumer": service.consumer.run if service.consumer else _nothing,
        "units": service.units.follow,
        "sessions": service.sessions.follow,
        "relay": partial(relay.relay, service),
        "timers": partial(timers.timers, service),
        "asks": partial(asks.asks, service),
        "audit": partial(sealer.seal, service),
        "figures": service.figures.keep,
        "retention": partial(retention.retain, service),
        **{getattr(w, "__name__", f"worker{n}"): partial(w, service) for n, w in enumerate(service.spec.workers)},
    }


async def _nothing() -> None:
    await asyncio.Event().wait()
