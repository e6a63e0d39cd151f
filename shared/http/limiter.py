"""A small rate limiter for doors that strangers may try: sign-in and progress."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from shared.clock import monotonic
from shared.http.refusals import too_many


class RateLimiter:
    """At most `limit` calls a key at once, refilled evenly over `seconds`; one process, in memory.

    Measured by real time. The oldest of `keys` are forgotten, so that strangers cannot fill the memory.
    """

    def __init__(
        self, limit: int, seconds: float, *, keys: int = 10_000, clock: Callable[[], float] = monotonic
    ) -> None:
        self._step = seconds / limit
        self._span = seconds
        self._keys = keys
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str) -> float:
        """Counts one call and answers 0, or, without counting it, the seconds until one is let in."""
        now = self._clock()
        free_at = max(self._full_at.get(key, now), now) + self._step
        if free_at - now > self._span + 1e-9:
            return free_at - now - self._span
        self._full_at[key] = free_at
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._keys:
            self._full_at.popitem(last=False)
        return 0.0

    def check(self, key: str) -> None:
        """Counts one call, or raises 429 with `Retry-After`."""
        wait = self.wait(key)
        if wait > 0:
            raise too_many(wait)
