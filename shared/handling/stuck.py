"""Which items of a handling service hang: it is their service's turn, and nothing is there that would move them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from shared.db.documents import qualified
from shared.handling.tables import HandlingTables
from shared.outcomes import WaitKind
from shared.spec import Hanging, Hangs

if TYPE_CHECKING:
    from shared.db.tables import DeliveryTables

NOTHING_MOVES_IT: Final = "NOTHING_MOVES_IT"
NOT_SETTLED: Final = "NOT_SETTLED"
OTHERS: Final = (WaitKind.APPLICANT, WaitKind.PREREQUISITE, WaitKind.DEPARTMENT)
"""Whom an item may visibly wait for without a row of this service: they are told, and the case's clocks run."""


def hangs(tables: HandlingTables) -> Hangs:
    """The query of a service with these tables."""

    async def hanging(handle: Any, conn: Any) -> list[Hanging]:
        rows = await conn.fetch(_sql(tables, handle.spec.delivery), [kind.value for kind in OTHERS])
        return [Hanging(*row) for row in rows]

    return hanging


def _sql(tables: HandlingTables, delivery: DeliveryTables) -> str:
    """Open, ready, without findings and not in doubt elsewhere: nobody but this service can move it. Decided: the
    coordinator settles it, once every material that was to follow has come."""
    return f"""
SELECT i.id, i.version, i.application_no,
    CASE i.phase WHEN 'open' THEN '{NOTHING_MOVES_IT}' ELSE '{NOT_SETTLED}' END, i.phase = 'decided'
FROM {qualified(tables.item)} i
WHERE (i.phase = 'decided' AND NOT EXISTS (SELECT FROM json_array_elements(i.body->'materials') m
            WHERE m->>'source' = 'deferred')
        OR i.phase = 'open' AND (i.body->>'ready')::boolean
        AND json_array_length(i.body->'findings') = 0 AND coalesce(json_array_length(i.body->'frozen'), 0) = 0
        AND coalesce(i.body->'waiting_on'->>'kind', '') <> ALL($1::text[]))
    AND NOT EXISTS ({movers("i.id", tables.task, delivery)})
    AND NOT EXISTS (SELECT FROM {qualified(delivery.parked)} p WHERE p.key = i.case_id::text AND p.state <> 'discarded')
ORDER BY i.id LIMIT 200
"""


def movers(identity: str, task: Any, delivery: DeliveryTables, *, but: Sequence[str] = ()) -> str:
    """SQL: the rows that would move an aggregate: timers (but those that only tell people, or look back), open asks, open
    tasks."""
    names = "".join(f" AND t.name <> '{name}'" for name in but)
    return f"""
    SELECT FROM {qualified(delivery.timer)} t WHERE t.aggregate_id = {identity}{names}
    UNION ALL SELECT FROM {qualified(delivery.ask)} a WHERE a.aggregate_id = {identity} AND a.state IN ('open', 'in_doubt')
    UNION ALL SELECT FROM {qualified(task)} k WHERE k.aggregate_id = {identity} AND k.state IN ('open', 'claimed')"""
