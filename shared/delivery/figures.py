"""A service's own figures, looked at every few seconds: lag, what is not yet published, what is stuck.

The looks are also how the process knows that its bus still answers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from shared.clock import monotonic
from shared.db.documents import qualified
from shared.errors import Transient
from shared.metrics import METRICS

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.figures")
LOOK_SECONDS = 5.0
STUCK_EVERY = 6
"""Looks between two for what is stuck: that query walks the open items."""

AWAY_SECONDS = 10.0
"""A bus that has not answered for so long is said to be away."""


class Figures:
    """The figures of one service, kept by a worker of its own."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._answered = monotonic()
        self._published: tuple[float, float] = (0.0, 0.0)

    async def keep(self) -> None:
        """Looks for ever; a world that is away for a while shows in what is not brought up to date."""
        self._answered, looks = monotonic(), 0
        while True:
            try:
                await self._look(stuck=looks % STUCK_EVERY == 0)
            except Transient as cause:
                log.info("figures_put_off", service=self._service.spec.name, cause=cause.code)
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, *, stuck: bool) -> None:
        name = self._service.spec.name
        METRICS.unpublished.labels(name).set(await self.oldest_unpublished())
        METRICS.refused.labels(name).set(await self._service.refused.look())
        by_topic: dict[str, int] = {}
        for lag in await self._service.bus.lag(name):
            by_topic[lag.topic] = by_topic.get(lag.topic, 0) + lag.records
        self._answered = monotonic()
        for topic, records in by_topic.items():
            METRICS.lag.labels(name, topic).set(records)
        if stuck:
            METRICS.stuck.labels(name).set(len(await self._service.stuck.look()))

    async def oldest_unpublished(self, fresh: float = 0.0) -> float:
        """Age in seconds of the oldest outbox row that the bus did not refuse, 0 for none; a look up to `fresh` seconds ago will do."""
        looked, age = self._published
        if fresh and monotonic() - looked < fresh:
            return age
        self._published = monotonic(), age  # whoever comes while we look is told what was seen last
        async with self._service.read() as conn:
            # Real time by the database's clock, which wrote the row.
            age = float(
                await conn.fetchval(
                    "SELECT coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM"
                    f" {qualified(self._service.spec.delivery.outbox)} WHERE refused IS NULL ORDER BY seq LIMIT 1), 0)"
                )
            )
        self._published = monotonic(), age
        return age

    @property
    def bus_away(self) -> float:
        """Seconds since the bus last answered where that is too long ago, else 0."""
        silent = monotonic() - self._answered
        return silent if silent > AWAY_SECONDS + LOOK_SECONDS else 0.0
