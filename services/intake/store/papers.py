"""Papers, their signatures and deliveries, and the attempts to tell people, as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.domain.papers.model import Moment, Paper
from shared.crypto import Sealed

if TYPE_CHECKING:
    from shared.spec import ServiceHandle

_PAPER = """
SELECT p.*, d.takes_effect AS delivered_at FROM intake.paper p
LEFT JOIN intake.paper_delivery d ON d.paper_id = p.id AND d.effective
"""


SOON = timedelta(minutes=1)
"""For how long a message may wait before anybody need be told of it."""


async def papers_of(handle: ServiceHandle, case_id: UUID) -> list[Paper]:
    """The papers of a case, oldest first."""
    async with handle.read() as conn:
        rows = await conn.fetch(f"{_PAPER} WHERE p.case_id = $1 ORDER BY p.made_at, p.kind, p.id", case_id)
    return [_paper(row) for row in rows]


async def paper(handle: ServiceHandle, case_id: UUID, paper_id: UUID) -> Paper | None:
    """One paper of a case, or None."""
    async with handle.read() as conn:
        row = await conn.fetchrow(f"{_PAPER} WHERE p.case_id = $1 AND p.id = $2", case_id, paper_id)
    return None if row is None else _paper(row)


def _paper(row: Mapping[str, Any]) -> Paper:
    return Paper(
        id=row["id"],
        case_id=row["case_id"],
        kind=row["kind"],
        title=row["title"],
        made_at=row["made_at"],
        moment=Moment.model_validate_json(row["moment"]),
        number=row["number"],
        digest=row["digest"],
        content=Sealed.from_text(row["content"]) if row["content"] else None,
        held=row["held"],
        delivered_at=row["delivered_at"],
    )


async def signatures_of(handle: ServiceHandle, paper_id: UUID) -> list[Mapping[str, Any]]:
    """Who signed a paper, in their order; its seal last."""
    async with handle.read() as conn:
        return [
            dict(r)
            for r in await conn.fetch("SELECT * FROM intake.paper_signature WHERE paper_id = $1 ORDER BY n", paper_id)
        ]


async def deliveries_of(handle: ServiceHandle, paper_id: UUID) -> list[Mapping[str, Any]]:
    """How a paper was delivered, as it was recorded."""
    sql = "SELECT * FROM intake.paper_delivery WHERE paper_id = $1 ORDER BY recorded_at, id"
    async with handle.read() as conn:
        return [dict(row) for row in await conn.fetch(sql, paper_id)]


async def attempts_of(handle: ServiceHandle, case_id: UUID) -> Sequence[Mapping[str, Any]]:
    """What was said to the applicant, and what still waits to be said though its time has long come."""
    sql = (
        "SELECT at, topic, way, tries, fate FROM intake.message_attempt WHERE case_id = $1 UNION ALL"
        " SELECT due_at, topic, NULL, 0, state FROM intake.message"
        " WHERE case_id = $1 AND state = 'waiting' AND due_at <= $2 AND NOT EXISTS (SELECT FROM intake.message_attempt t"
        " WHERE t.case_id = message.case_id AND t.topic = message.topic AND t.at >= message.made_at) ORDER BY 1, 2"
    )
    async with handle.read() as conn:
        return [dict(row) for row in await conn.fetch(sql, case_id, handle.clock.now() - SOON)]
