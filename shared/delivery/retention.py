"""A service lets go of the answers that it keeps for repeated requests, once nobody may repeat them any more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.errors import Transient

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.retention")
KEPT: Final = timedelta(days=400)
"""How long the same `Idempotency-Key` gives the same answer."""

LOOK_SECONDS = 24 * 3600.0


async def retain(service: RunningService) -> None:
    """Lets go once a day, for ever; a database that is away is looked at the next time."""
    while True:
        try:
            await let_go(service)
        except Transient as cause:
            log.info("retention_put_off", service=service.spec.name, cause=cause.code)
        await asyncio.sleep(LOOK_SECONDS)


async def let_go(service: RunningService) -> int:
    """Removes stored answers older than they are kept; how many."""
    table = qualified(service.spec.delivery.idempotency)
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        done: str = await conn.execute(f"DELETE FROM {table} WHERE created_at < clock_timestamp() - $1::interval", KEPT)
    return int(done.rpartition(" ")[2])
