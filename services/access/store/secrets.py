"""Secrets at rest: argon2id with 19 MiB, two passes, one lane; in a thread, two at once."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_AT_ONCE: Final = 2
# The hash of a random text that nobody keeps: an unknown name takes as long as a known one.
_NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$39UspGhHXNrJBczn3dQiyA$77Pggk+rMMdLV7HYt35e8OWTF6bYnDk+yB7fAWovs/o"


class Secrets:
    """Hashes and compares secrets without holding up the loop; one for a running service."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, secret: str) -> str:
        """The hash to keep, with its own salt and parameters."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, secret)

    async def fits(self, secret: str, kept: str | None) -> bool:
        """Whether the secret is the one kept; as slow, and False, when none is kept."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, secret, kept or _NOBODY)
        return fits and kept is not None

    def _verify(self, secret: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, secret)
        except (Argon2Error, InvalidHashError):
            return False
