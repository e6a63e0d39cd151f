"""Supervision: every worker of every service runs apart; one that fails is started again, one that must not is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from shared.clock import monotonic
from shared.delivery.consumer import TooManyFailures
from shared.errors import KeyMissing, Misconfigured, Transient
from shared.metrics import METRICS

log = structlog.get_logger("onewindow.supervisor")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a failed worker is started again: at first, and at most."""

STOPPED = (Misconfigured, TooManyFailures)
"""Failures after which starting again would only do harm: an operator must look."""


@dataclass
class Supervisor:
    """The workers of one process. `failed` names those that stopped for good, or wait for a key, and why."""

    failed: dict[str, str] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a worker under its own eyes."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE
        while True:
            began = monotonic()
            try:
                await work()
            except KeyMissing as cause:
                # The folder may be copied to this machine after the others: what is sealed under it waits meanwhile.
                self.failed[name] = str(cause)
                self._tell(name, began, pause, cause)
                pause = LONGEST_PAUSE
            except STOPPED as cause:
                self.failed[name] = str(cause)
                log.critical("worker_stopped", worker=name, cause=str(cause))
                return
            except asyncio.CancelledError as cause:
                # A library that passes on a cancellation of its own must not end a worker: only `stop` does.
                if _wanted():
                    raise
                pause = self._tell(name, began, pause, cause)
            except Exception as cause:  # noqa: BLE001 — whatever it was: told, counted, and the worker is started again
                pause = self._tell(name, began, pause, cause)
            await asyncio.sleep(pause)
            self.failed.pop(name, None)

    @staticmethod
    def _tell(name: str, began: float, pause: float, cause: BaseException) -> float:
        """Reports a failure; returns the pause until the next start."""
        METRICS.restarts.labels(name).inc()
        _report(name, cause)
        # One that had worked for a while meets its trouble with as short a pause as the first.
        return FIRST_PAUSE if monotonic() - began > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)

    async def stop(self) -> None:
        """Cancels every worker and waits until each has put its things away."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()


def _wanted() -> bool:
    """Whether somebody cancelled the task at work."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _report(name: str, cause: BaseException) -> None:
    """A world that is away is one line; anything else is a defect of ours and comes with its place."""
    if isinstance(cause, Transient | KeyMissing):
        log.warning("worker_paused", worker=name, cause=str(cause))
    else:
        log.error("worker_restarted", worker=name, cause=type(cause).__name__, exc_info=cause)
