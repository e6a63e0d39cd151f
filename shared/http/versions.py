"""`?min_version=` of every GET: what a command answered is seen by whoever reads after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol, TypeVar

from fastapi import Query

from shared.clock import monotonic
from shared.errors import Transient

_PATIENCE, _STEP = 2.0, 0.02

MinVersion = Annotated[int, Query(ge=0, description="至少到此版本 / in this version or a later one")]
"""The query parameter; 0, its default, takes whatever is there."""


class Versioned(Protocol):
    """Anything that counts its versions."""

    @property
    def version(self) -> int:
        """How often it was stored."""


Found = TypeVar("Found", bound=Versioned | None)


async def at_least(load: Callable[[], Awaitable[Found]], version: int) -> Found:
    """What `load` finds, in this version or a later one, or nothing; `Transient` when two seconds do not bring it."""
    until = monotonic() + _PATIENCE
    found = await load()
    while found is not None and found.version < version:
        if monotonic() > until:
            raise Transient("还没有更新到所要的版本,请稍后再试", "that version has not come yet", retry_after=1)
        await asyncio.sleep(_STEP)
        found = await load()
    return found
