"""Where the content of files lies: what is asked of it and of the scanner, and what is swept out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.intake.domain import files
from services.intake.domain.files import File
from services.intake.domain.sealing import OWN
from services.intake.store import files as stored
from shared.errors import Transient
from shared.facts.port import FactAnswer, Question
from shared.files.vault import Vault
from shared.outcomes import FactStatus
from shared.spec import ServiceHandle

log = structlog.get_logger("onewindow.files")
SWEEP_SECONDS = 3600.0
ORPHAN_SECONDS = 24 * 3600.0
"""Real time after which a file without a row is one that nobody was ever told of."""

VAULT = "vault"
"""Its name among what routes and workers share."""


def vault(handle: ServiceHandle) -> Vault:
    """The files of this running service."""
    if VAULT not in handle.made:
        handle.made[VAULT] = Vault.of(handle.settings, handle.keyring, OWN)
    found: Vault = handle.made[VAULT]
    return found


async def rescan(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """Has files looked into that the scanner did not answer for when they came."""
    return [await _rescan(handle, file) for file in await _asked(handle, questions)]


async def _rescan(handle: ServiceHandle, file: File | None) -> FactAnswer:
    if file is None or file.wrapped is None:
        return FactAnswer(FactStatus.CONTRADICTED, {}, files.SCANNER)
    async with vault(handle).room:
        verdict = await vault(handle).look(await vault(handle).open(file.id, file.wrapped, file.sha256))
    if verdict is None:
        return FactAnswer(FactStatus.SILENT, {}, files.SCANNER)
    status = FactStatus.CONTRADICTED if verdict == "infected" else FactStatus.CONFIRMED
    return FactAnswer(status, {"scanned": verdict == "clean"}, files.SCANNER)


async def let_go(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """Has the store keep files no more."""
    for question in questions:
        await vault(handle).remove(UUID(str(question.question["file_id"])))
    return [FactAnswer(FactStatus.CONFIRMED, {}, files.STORE)] * len(questions)


async def _asked(handle: ServiceHandle, questions: Sequence[Question]) -> list[File | None]:
    ids = [UUID(str(q.question["file_id"])) for q in questions]
    known: Mapping[UUID, File] = await stored.found(handle, ids)
    return [known.get(file_id) for file_id in ids]


async def sweeper(handle: ServiceHandle) -> None:
    """Lets files go, for ever, whose row was never committed: the process ended between the two."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await sweep(handle)
        except Transient as cause:
            log.warning("sweep_put_off", cause=cause.code)


async def sweep(handle: ServiceHandle, seconds: float = ORPHAN_SECONDS) -> int:
    """How many files without a row, put longer ago than this, were let go."""
    names = await asyncio.to_thread(lambda: [UUID(name) for name in vault(handle).store.older(seconds)])
    known = await stored.found(handle, names) if names else {}
    orphans = [name for name in names if name not in known]
    for name in orphans:
        await vault(handle).remove(name)
    return len(orphans)
