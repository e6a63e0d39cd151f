"""Commands from routes, gathered into units of work: those that wait together are committed together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.delivery.unit_of_work import Entry
from shared.errors import Conflict, Transient

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

MOST = 32
LANES = 2


class Commands:
    """A queue whose lanes each take what waits, at most one command an aggregate in a unit."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._waiting: list[tuple[Entry, asyncio.Future[Any]]] = []
        self._news = asyncio.Event()
        self._running: set[tuple[str, str, str]] = set()

    async def run(self, entry: Entry) -> Any:
        """The command's answer, once it is committed; raises what the command raised."""
        with self._once(entry), self._service.precedence.command():
            done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append((entry, done))
            self._news.set()
            return await done

    @contextlib.contextmanager
    def _once(self, entry: Entry) -> Any:
        key = entry.idempotency[:3] if entry.idempotency else None
        if key is None:
            yield
            return
        if key in self._running:
            raise Conflict("STILL_RUNNING")
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)

    async def serve(self) -> None:
        """Runs the lanes until cancelled; commands still waiting then are refused as transient."""
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(LANES):
                    lanes.create_task(self._lane())
        finally:
            _stopping(self._waiting)
            self._waiting.clear()

    async def _lane(self) -> None:
        while True:
            taken = self._take()
            if not taken:
                self._news.clear()
                await self._news.wait()
                continue
            await self._apply(taken)

    def _take(self) -> list[tuple[Entry, asyncio.Future[Any]]]:
        taken: dict[tuple[str, UUID], tuple[Entry, asyncio.Future[Any]]] = {}
        rest = []
        for pair in self._waiting:
            where = (pair[0].kind, pair[0].aggregate_id)
            if pair[1].done():
                continue
            if where in taken or len(taken) >= MOST:
                rest.append(pair)
            else:
                taken[where] = pair
        self._waiting = rest
        return list(taken.values())

    async def _apply(self, taken: list[tuple[Entry, asyncio.Future[Any]]]) -> None:
        try:
            entries = [one for entry, _ in taken for one in (entry, *entry.beside)]
            await self._service.unit_of_work.apply(entries, failpoint="command")
        except Exception as cause:  # noqa: BLE001 — which one failed shows one by one; each caller is told its own
            if len(taken) == 1:
                _fail(taken[0][1], cause)
                return
            try:
                for pair in taken:
                    await self._apply([pair])
            finally:
                _stopping(taken)
            return
        except BaseException:
            _stopping(taken)
            raise
        for entry, done in taken:
            if not done.done():
                done.set_result(entry.answer)


def _fail(done: asyncio.Future[Any], cause: Exception) -> None:
    if not done.done():
        done.set_exception(cause)


def _stopping(left: Sequence[tuple[Entry, asyncio.Future[Any]]]) -> None:
    """Whoever still waits is told: nobody will run these any more."""
    for _, done in left:
        _fail(done, Transient("服务正在停止", "the service is stopping", retry_after=2))
