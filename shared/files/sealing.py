"""A file as it rests: sealed in chunks under a key of its own, each bound to the file, its place, and whether it is the
last, so that a chunk left out, put elsewhere or cut off is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.crypto import Aad, Sealed, Sealer
from shared.errors import Poison

CHUNK: Final = 64 * 1024
_TAG: Final = 16
_PART: Final = "file"


def new_key() -> bytes:
    """A key for one file."""
    return os.urandom(32)


def wrap(sealer: Sealer, service: str, file_id: UUID, key: bytes) -> Sealed:
    """The file's key under the service's own sealing key."""
    return sealer.seal(service, Aad(file_id, _PART, 0, service), key)


def unwrap(sealer: Sealer, service: str, file_id: UUID, wrapped: Sealed) -> bytes:
    """The file's key again; `Poison` when it is another file's."""
    return sealer.open(wrapped, Aad(file_id, _PART, 0, service))


def seal(key: bytes, file_id: UUID, content: bytes) -> Iterator[bytes]:
    """The sealed chunks, in order."""
    cipher, view = AESGCM(key), memoryview(content)
    last = max(0, len(content) - 1) // CHUNK
    for n in range(last + 1):
        # The key seals this one file, once: a counter never repeats under it.
        yield cipher.encrypt(_nonce(n), bytes(view[n * CHUNK : (n + 1) * CHUNK]), _bound(file_id, n, last=n == last))


def unseal(key: bytes, file_id: UUID, sealed: bytes) -> bytes:
    """The content; `Poison` when anything of it was altered, moved or cut off."""
    cipher, view, size = AESGCM(key), memoryview(sealed), CHUNK + _TAG
    last = max(0, len(sealed) - 1) // size
    try:
        return b"".join(
            cipher.decrypt(_nonce(n), bytes(view[n * size : (n + 1) * size]), _bound(file_id, n, last=n == last))
            for n in range(last + 1)
        )
    except (InvalidTag, ValueError):
        raise Poison("存放的文件已被改动或不完整", "the stored file was altered or is not whole") from None


def _nonce(n: int) -> bytes:
    return n.to_bytes(12, "big")


def _bound(file_id: UUID, n: int, *, last: bool) -> bytes:
    return f"{file_id}/{n}/{'last' if last else 'more'}".encode()
