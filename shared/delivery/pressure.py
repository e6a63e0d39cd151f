"""Back-pressure: new work is refused before what was accepted waits too long.

Accepted means: durable here, and on its way. Where the bus is elsewhere it is on its way once published, so the age of
the oldest outbox row bounds what may pile up while the bus is away. Where the log is the outbox nothing is ever
unpublished. That readers are behind refuses nobody: a burst is answered, the lag grows, and an alert says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.http.refusals import HttpError

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

UNPUBLISHED_SECONDS: Final = 30.0
POOL_SECONDS: Final = 1.0
FRESH_SECONDS: Final = 1.0
"""How old a look at the outbox may be: under a storm of requests there is one a second."""

RETRY_AFTER: Final = 5


async def require_room(service: RunningService) -> None:
    """Raises 429 with `Retry-After` while the oldest outbox row or a wait for a connection is over its bound."""
    if service.db.longest_wait > POOL_SECONDS:
        raise _busy("数据库连接都在使用中", "every connection to the database is in use")
    if await service.figures.oldest_unpublished(FRESH_SECONDS) > UNPUBLISHED_SECONDS:
        raise _busy("已受理的申请正等待发出", "what was accepted before still waits to be published")


def _busy(zh: str, en: str) -> HttpError:
    return HttpError(
        429,
        "TOO_BUSY",
        f"{zh},请 {RETRY_AFTER} 秒后再试;本次没有保存任何内容",
        f"{en}: try again in {RETRY_AFTER} seconds; nothing was stored",
        {"Retry-After": str(RETRY_AFTER)},
    )
