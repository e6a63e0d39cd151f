"""Supervision: every worker of every service runs apart; one that fails is started again, one that must not is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type, wait_exponential

from shared.bus.consumer import TooManyFailures
from shared.errors import Misconfigured
from shared.metrics import METRICS

log = structlog.get_logger("onewindow.supervisor")
STOPPED = (Misconfigured, TooManyFailures)
"""Failures after which starting again would only do harm: an operator must look."""


@dataclass
class Supervisor:
    """The workers of one process. `failed` names those that stopped for good, and why."""

    failed: dict[str, str] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a worker under its own eyes."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_not_exception_type((*STOPPED, asyncio.CancelledError)),
                wait=wait_exponential(multiplier=0.1, max=5),
                before_sleep=lambda state: _report(name, state),
                reraise=True,
            ):
                with attempt:
                    await work()
        except STOPPED as cause:
            self.failed[name] = str(cause)
            log.critical("worker_stopped", worker=name, cause=str(cause))

    async def stop(self) -> None:
        """Cancels every worker and waits until each has put its things away."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()


def _report(name: str, state: RetryCallState) -> None:
    cause = state.outcome.exception() if state.outcome else None
    METRICS.restarts.labels(name).inc()
    log.error(
        "worker_restarted",
        worker=name,
        cause=type(cause).__name__,
        exc_info=cause if state.attempt_number < 3 else None,
    )
