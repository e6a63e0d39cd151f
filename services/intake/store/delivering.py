"""What news delivers where the applicant agreed to it: a correction is answered from that day on, so it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.domain.papers.deliver import by_message
from services.intake.domain.papers.model import Moment
from shared.errors import Conflict

if TYPE_CHECKING:
    from shared.changes import Changes, Ctx
    from shared.delivery.service import RunningService

_CORRECTIONS = """
SELECT t.case_id, t.made_at, p.id, p.moment
FROM unnest($1::uuid[], $2::timestamptz[]) AS t(case_id, made_at) JOIN intake.paper p USING (case_id)
WHERE p.kind = 'correction' AND p.number IS NOT NULL AND p.made_at <= t.made_at
    AND NOT EXISTS (SELECT FROM intake.paper_delivery d WHERE d.paper_id = p.id AND d.effective)
"""


News = tuple[UUID, datetime]
"""The case that something is told of, and the moment up to which."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A correction paper of which no delivery is recorded; `moment` is stored text."""

    case_id: UUID
    paper_id: UUID
    moment: str


async def undelivered(service: RunningService, news: Sequence[News]) -> dict[News, list[Undelivered]]:
    """The corrections that news delivers, by the news; for all of it in one query."""
    found: dict[News, list[Undelivered]] = {}
    if news:
        async with service.read() as conn:
            rows = await conn.fetch(_CORRECTIONS, *map(list, zip(*news, strict=True)))
        for row in rows:
            one = Undelivered(row["case_id"], row["id"], row["moment"])
            found.setdefault((row["case_id"], row["made_at"]), []).append(one)
    return found


async def deliver(service: RunningService, correction: Undelivered) -> None:
    """Records that a correction is delivered now, and tells the coordinator, in one commit: on the day of issue too, for
    silence ends an item only where a delivery is recorded."""
    paper_id, moment = correction.paper_id, Moment.model_validate_json(correction.moment)

    def deliver_by_message(state: Any, ctx: Ctx) -> tuple[Changes[Any], None]:
        return by_message(state, paper_id, moment, ctx), None

    try:
        await service.command("application", correction.case_id, deliver_by_message, actor="system")
    except Conflict as cause:
        if cause.code != "ALREADY_THERE":  # delivered by a person meanwhile: that counts
            raise
