"""Timers: local messages that come back when business time reaches them; the row that firing removes makes it once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from shared.changes import Timer
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.delivery.unit_of_work import Entry
from shared.delivery.waiting import LOOK_SECONDS, MOST, apply_each, wait_for
from shared.failpoints import hit

if TYPE_CHECKING:
    from shared.delivery.service import RunningService


async def timers(service: RunningService) -> None:
    """Fires due timers, each once, in its aggregate's own transaction, for ever."""
    table, role = qualified(service.spec.delivery.timer), role_of(service.spec.name)
    while True:
        now = service.clock.now()
        async with service.db.transaction(role, read_only=True) as conn:
            # Only what is due is read, by the index alone (so in no order of ids): what waits grows with every case.
            due = await conn.fetch(
                f"SELECT id, kind, aggregate_id, name, data FROM {table} WHERE due_at <= $1 AND id <> ALL($3::uuid[])"
                " AND aggregate_id <> ALL($4::uuid[]) ORDER BY due_at LIMIT $2",
                now,
                MOST,
                service.failing.resting(),
                list(service.newer.ids),
            )
            following = await conn.fetchval(f"SELECT min(due_at) FROM {table} WHERE due_at > $1", now)
        if due:
            hit("timer.before", service.spec.name)
            await apply_each(service, [(row["id"], _timer_entry(service, row)) for row in due])
        if len(due) < MOST:
            ahead = LOOK_SECONDS if following is None else (following - now).total_seconds()
            await wait_for(service.news.timers, min(LOOK_SECONDS, ahead))


def _timer_entry(service: RunningService, row: Mapping[str, Any]) -> Entry:
    action = f"timer:{row['name']}"
    fired = Timer(row["name"], orjson.loads(row["data"]))
    return Entry(
        row["kind"],
        row["aggregate_id"],
        lambda state, ctx: (service.local_handler(row["kind"], action)(state, fired, ctx), None),
        action,
        consumes=("timer", row["id"]),
    )
