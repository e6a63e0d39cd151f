"""A service's files: sealed, kept, looked into and given out again, all outside the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from shared.config import Settings
from shared.crypto import Keyring, Sealed
from shared.errors import Poison
from shared.files.kinds import FileKind, identify
from shared.files.scanner import NoScanner, Scanner, SimulatedScanner, Verdict
from shared.files.sealing import new_key, seal, unseal, unwrap, wrap
from shared.files.store import FileStore, Folder
from shared.http.refusals import too_many

log = structlog.get_logger("onewindow.files")
AT_ONCE = 8
"""Files in memory at one time in a process: what comes beyond waits."""

A_PERSON = 2
"""Of these, one account's at most: who sends slowly keeps nobody else from sending."""

SCAN_SECONDS = 20.0
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a file that now lies sealed in the store."""

    kind: FileKind
    size: int
    sha256: str
    wrapped: Sealed
    verdict: Verdict | None


class Vault:
    """The files of one service, in one process."""

    def __init__(self, store: FileStore, scanner: Scanner, keyring: Keyring, service: str) -> None:
        self.store, self.scanner = store, scanner
        self._sealer, self._service = keyring.sealer(), service
        self.room = asyncio.Semaphore(AT_ONCE)
        self._held: Counter[str] = Counter()

    @classmethod
    def of(cls, settings: Settings, keyring: Keyring, service: str) -> Vault:
        """As the settings say."""
        scanner = SimulatedScanner() if settings.scans_by_simulation else NoScanner()
        return cls(Folder(settings.file_folder), scanner, keyring, service)

    @asynccontextmanager
    async def room_for(self, account: str) -> AsyncIterator[None]:
        """Room for one file more of this account, once there is some; `HttpError` 429 beyond its share."""
        if self._held[account] >= A_PERSON:
            raise too_many(RETRY_SECONDS)
        self._held[account] += 1
        try:
            async with self.room:
                yield
        finally:
            self._held -= Counter({account: 1})

    async def keep(self, file_id: UUID, content: bytes, declared: str, name: str) -> Kept:
        """Looks at the content, has it scanned, and keeps it; `Invalid` for what is not taken (then nothing is kept)."""
        kind = await asyncio.to_thread(identify, content, declared, name)
        verdict = await self.look(content)
        key = new_key()
        if verdict != "infected":
            await asyncio.to_thread(self.store.put, str(file_id), seal(key, file_id, content))
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
        return Kept(kind, len(content), digest, wrap(self._sealer, self._service, file_id, key), verdict)

    async def look(self, content: bytes) -> Verdict | None:
        """What the scanner finds; None where it does not answer."""
        try:
            async with asyncio.timeout(SCAN_SECONDS):
                return await self.scanner.scan(content)
        except Exception as cause:  # noqa: BLE001 - whatever keeps it from answering, the file waits for it
            log.warning("scanner_silent", cause=type(cause).__name__)
            return None

    async def open(self, file_id: UUID, wrapped: Sealed, sha256: str) -> bytes:
        """The content; `Poison` when what lies there is not what was kept."""
        key = unwrap(self._sealer, self._service, file_id, wrapped)
        sealed = await asyncio.to_thread(self.store.get, str(file_id))
        if sealed is None:
            raise Poison("存放的文件不见了", "the stored file is gone")
        content = await asyncio.to_thread(unseal, key, file_id, sealed)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Poison("存放的文件与登记的摘要不符", "the stored file is not the one that was registered")
        return content

    async def remove(self, file_id: UUID) -> None:
        """Keeps it no more."""
        await asyncio.to_thread(self.store.delete, str(file_id))
