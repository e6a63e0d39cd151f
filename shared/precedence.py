"""Who goes first in a process: a person who waits for an answer before the work behind the window."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from shared.clock import monotonic

SLICE_SECONDS: Final = 0.005
"""For how long anything keeps the loop before requests and other units have their turn."""

TIMES: Final = 2.0
MOST_SECONDS: Final = 1.0


class Slices:
    """A long piece of work in slices: `give_way` between two steps lets others work once a slice is used up."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def give_way(self) -> None:
        """Returns at once while the slice lasts."""
        if monotonic() - self._since > SLICE_SECONDS:
            await asyncio.sleep(0)
            self._since = monotonic()


class Precedence:
    """Holds back units of work behind the window while commands wait for their commit, and never stops them.

    A unit waits at most twice as long as the one before it took, and a second at the most: under a burst people are
    answered while the lag grows, and the work behind keeps a share of the process.
    """

    def __init__(self) -> None:
        self._open = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextlib.contextmanager
    def command(self) -> Iterator[None]:
        """Somebody waits for an answer inside."""
        self._open += 1
        self._none.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._none.set()

    async def after_commands(self, spent: float) -> None:
        """Returns when nobody waits, or when it is the turn of one whose last unit took `spent` seconds."""
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(MOST_SECONDS, spent * TIMES)):
                    await self._none.wait()
