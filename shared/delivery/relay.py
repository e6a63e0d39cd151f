"""The relay: moves a service's outbox to the bus, where the bus cannot be appended to in the unit's own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.delivery.waiting import LOOK_SECONDS, MOST, wait_for
from shared.failpoints import hit
from shared.metrics import METRICS

if TYPE_CHECKING:
    from shared.delivery.service import RunningService


async def relay(service: RunningService) -> None:
    """Moves the service's outbox to the bus, oldest first, for ever."""
    schema = service.spec.name
    while True:
        hit("relay.before_publish", schema)
        moved = await service.bus.relay(service.site, schema, MOST)
        if moved:
            hit("relay.after_publish", schema)
            METRICS.relayed.labels(schema).inc(moved)
        if moved < MOST:
            await wait_for(service.news.outbox, LOOK_SECONDS)
