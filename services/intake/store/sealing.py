"""Has papers sealed by a provider outside: after they were issued, since nobody holds numbers while asking others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from services.intake.domain.papers.issue import open_content, seal_row
from services.intake.domain.papers.model import HASH
from services.intake.store.notes import note_batch
from services.intake.tables import PAPER_SIGNATURE
from shared.crypto import Sealed
from shared.db.documents import write_rows
from shared.db.engine import role_of
from shared.seals import ToSeal

if TYPE_CHECKING:
    from shared.runtime.service import RunningService

log = structlog.get_logger("onewindow.seals")
MOST = 50
LAST = 99
"""The place of a seal among a paper's signatures: the last, and there once."""

_WAITING = "SELECT id, case_id, content, digest FROM intake.paper WHERE unsealed ORDER BY made_at LIMIT $1"


async def seal_waiting(service: RunningService) -> None:
    """Puts seals under issued papers that wait for one; where the provider is away they wait on, and say 未用印.

    Asked twice (two processes, a crash) the same paper and hash is the same seal.
    """
    async with service.read() as conn:
        rows = await conn.fetch(_WAITING, MOST)
    wanted = [_to_seal(row, service) for row in rows]
    try:
        marks = await service.seals.seal(wanted)
    except Exception as cause:  # noqa: BLE001 — a provider that fails leaves its papers waiting; they are tried again
        log.warning("seals_failed", cause=type(cause).__name__, papers=len(wanted))
        return
    now = service.clock.now()
    pairs = list(zip(wanted, marks, strict=True))
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        sealed = [seal_row(paper, LAST, mark, now) for paper, mark in pairs if mark is not None]
        if sealed:
            await write_rows(conn, PAPER_SIGNATURE, sealed, upsert=True)
        done = "UPDATE intake.paper SET unsealed = false WHERE id = ANY($1::uuid[])"
        await conn.execute(done, [paper.paper_id for paper in wanted])
        await note_batch(service, conn, "seal_papers", {"papers": [str(row["paper_id"]) for row in sealed]})


def _to_seal(row: Mapping[str, Any], service: RunningService) -> ToSeal:
    content = open_content(service.keyring, row["case_id"], row["id"], Sealed.from_text(row["content"]))
    return ToSeal(row["id"], content["organ"]["code"], content["organ"]["seal"], HASH, row["digest"])
