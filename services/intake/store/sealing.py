"""Has papers sealed by a provider outside: after they were issued, since nobody holds numbers while asking others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from services.intake.domain.papers.issue import open_content, seal_row
from services.intake.domain.papers.model import HASH
from services.intake.store.notes import note_batch
from services.intake.tables import PAPER_SIGNATURE
from shared.crypto import Sealed
from shared.db.documents import write_rows
from shared.db.engine import role_of
from shared.seals import SealMark, ToSeal

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.seals")
MOST = 50
LAST = 99
"""The place of a seal among a paper's signatures: the last, and there once."""

AWAY = 2
"""Papers in a row that a provider fails for, each alone, after which it is taken to be away."""

Place = tuple[datetime, UUID]
"""Where a paper stands among those that wait."""

Marked = tuple[ToSeal, SealMark | None]
"""A paper and what the provider gave for it."""

_WAITING = """
SELECT id, case_id, made_at, content, digest FROM intake.paper
WHERE unsealed AND ($2::timestamptz IS NULL OR (made_at, id) > ($2, $3::uuid)) ORDER BY made_at, id LIMIT $1
"""
_DONE = "UPDATE intake.paper SET unsealed = false WHERE id = ANY($1::uuid[])"


async def seal_waiting(service: RunningService, after: Place | None = None) -> Place | None:
    """Puts seals under issued papers that wait for one, from a place on; where to go on the next time.

    Where the provider is away they wait on, and say 未用印. What it fails for keeps none of the others from their turn.
    Asked twice (two processes, a crash) the same paper and hash is the same seal.
    """
    async with service.read() as conn:
        rows = await conn.fetch(_WAITING, MOST, *(after or (None, None)))
    wanted = [paper for row in rows if (paper := _to_seal(row, service)) is not None]
    if marked := await _marks(service, wanted):
        await _record(service, marked)
    return (rows[-1]["made_at"], rows[-1]["id"]) if len(rows) >= MOST else None


async def _marks(service: RunningService, wanted: Sequence[ToSeal]) -> list[Marked]:
    """What the provider gave: for all together, else for each alone as long as it is there."""
    if not wanted:
        return []
    try:
        return await _asked(service, wanted)
    except Exception as cause:  # noqa: BLE001 — a provider that fails leaves its papers waiting; they are tried again
        log.warning("seals_failed", cause=type(cause).__name__, papers=len(wanted))
    found: list[Marked] = []
    failed = 0
    for paper in wanted if len(wanted) > 1 else ():
        try:
            found += await _asked(service, [paper])
            failed = 0
        except Exception as cause:  # noqa: BLE001 — as above
            log.warning("seal_failed", cause=type(cause).__name__)
            failed += 1
        if failed >= AWAY:
            break
    return found


async def _asked(service: RunningService, wanted: Sequence[ToSeal]) -> list[Marked]:
    return list(zip(wanted, await service.seals.seal(wanted), strict=True))


async def _record(service: RunningService, marked: Sequence[Marked]) -> None:
    now = service.clock.now()
    sealed = [seal_row(paper, LAST, mark, now) for paper, mark in marked if mark is not None]
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        if sealed:
            await write_rows(conn, PAPER_SIGNATURE, sealed, upsert=True)
        await conn.execute(_DONE, [paper.paper_id for paper, _ in marked])
        await note_batch(service, conn, "seal_papers", {"papers": [str(row["paper_id"]) for row in sealed]})


def _to_seal(row: Mapping[str, Any], service: RunningService) -> ToSeal | None:
    """What a seal is wanted for; None for a paper that cannot be opened, as while its key has not come."""
    try:
        content = open_content(service.keyring, row["case_id"], row["id"], Sealed.from_text(row["content"]))
    except Exception as cause:  # it waits on, and keeps nobody else waiting
        log.exception("paper_not_opened", paper=str(row["id"]), cause=type(cause).__name__)
        return None
    return ToSeal(row["id"], content["organ"]["code"], content["organ"]["seal"], HASH, row["digest"])
