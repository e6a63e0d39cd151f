"""What news delivers where the applicant agreed to it: a correction is answered from that day on, so it is told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.domain.papers.deliver import by_message
from services.intake.domain.papers.model import Moment
from shared.errors import Conflict

if TYPE_CHECKING:
    from shared.changes import Changes, Ctx
    from shared.runtime.service import RunningService

_CORRECTIONS = """
SELECT p.id, p.moment FROM intake.paper p
WHERE p.case_id = $1 AND p.kind = 'correction' AND p.number IS NOT NULL AND p.made_at <= $2
    AND NOT EXISTS (SELECT FROM intake.paper_delivery d WHERE d.paper_id = p.id AND d.effective)
"""


async def deliver_corrections(service: RunningService, case_id: UUID, made_at: datetime) -> None:
    """Records that the corrections of a case up to a moment are delivered now, and tells the coordinator, in one commit:
    on the day of issue too, for silence ends an item only where a delivery is recorded."""
    async with service.read() as conn:
        rows = await conn.fetch(_CORRECTIONS, case_id, made_at)
    for row in rows:
        await _deliver(service, case_id, row["id"], Moment.model_validate_json(row["moment"]))


async def _deliver(service: RunningService, case_id: UUID, paper_id: UUID, moment: Moment) -> None:
    def deliver_by_message(state: Any, ctx: Ctx) -> tuple[Changes[Any], None]:
        return by_message(state, paper_id, moment, ctx), None

    try:
        await service.command("application", case_id, deliver_by_message, actor="system")
    except Conflict as cause:
        if cause.code != "ALREADY_THERE":  # delivered by a person meanwhile: that counts
            raise
