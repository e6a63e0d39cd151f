"""Sealing of personal data per recipient: AES-256-GCM today, with room for another algorithm beside it."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import KeyMissing, NewerRelease, Poison
from shared.release import this_release

SETTING: Final = "ONEWINDOW_KEYS"


@dataclass(frozen=True, slots=True)
class Aad:
    """What a sealed part is bound to: it opens nowhere else, though anyone may forward and store it."""

    case_id: UUID | str
    item_id: UUID | str | None
    round: int
    recipient: str

    def encode(self) -> bytes:
        """The associated data as bytes, the same for a UUID and its text."""
        # As text: the driver gives ids of a type of its own.
        return orjson.dumps([str(self.case_id), str(self.item_id), self.round, self.recipient])


class Sealed(BaseModel):
    """A sealed part as it stands in a message or a row: `nonce` and `ct` (with its tag) in base64.

    What a newer release's algorithm says beside is kept, so that it is whole where this release only passes it on.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    alg: str
    kid: str
    nonce: str
    ct: str

    def to_text(self) -> str:
        """Compact JSON, for a text column."""
        return orjson.dumps({**self.__dict__, **(self.model_extra or {})}).decode()

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """The sealed part in a text; `Poison` when it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise Poison("密封内容无法识别", "this is not a sealed part") from None


class Aead(Protocol):
    """One key of an authenticated cipher; `decrypt` raises `InvalidTag` when data or key do not fit."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


# Named in every sealed part, so that SM4-GCM or a wrapped key can stand beside it; old parts stay readable.
ALGORITHMS: Final[Mapping[str, Callable[[bytes], Aead]]] = {"A256GCM": AESGCM}
_SEAL_WITH: Final = "A256GCM"
_NONCE_BYTES: Final = 12  # random: good for 2**32 parts a key


class Sealer:
    """Seals and opens with the keys it was given, and no others; safe to share between tasks.

    `refresh` is called where a part names a key that is not held: it may have come since (see `take`).
    """

    def __init__(self, keys: Mapping[str, bytes], refresh: Callable[[], None] = lambda: None) -> None:
        self._refresh = refresh
        self.take(keys)

    def take(self, keys: Mapping[str, bytes]) -> None:
        """From now on these keys, and no others."""
        self._keys = dict(keys)
        self._newest = newest_kids(keys)
        self._ciphers: dict[tuple[str, str], Aead] = {}

    def seal(self, recipient: str, aad: Aad, plain: bytes) -> Sealed:
        """Seal under the newest key of `recipient`, the service whose key both ends hold.

        What a service sends back for the one who holds every key (the window) it seals under its own key too,
        and names the reader in `aad.recipient`: a service holds no key but its own. Without it: `Misconfigured`.
        """
        kid = self._newest.get(recipient)
        if kid is None:
            raise no_key(recipient)
        nonce = os.urandom(_NONCE_BYTES)
        ct = self._cipher(_SEAL_WITH, kid).encrypt(nonce, plain, aad.encode())
        return Sealed(alg=_SEAL_WITH, kid=kid, nonce=b64encode(nonce).decode(), ct=b64encode(ct).decode())

    def open(self, sealed: Sealed, aad: Aad) -> bytes:
        """The plain bytes; `Misconfigured` when the key is not held, `NewerRelease` for an algorithm of a
        later release, `Poison` when the part was altered or belongs to another case, item, round or recipient."""
        cipher = self._cipher(sealed.alg, sealed.kid)
        try:
            nonce, ct = b64decode(sealed.nonce, validate=True), b64decode(sealed.ct, validate=True)
            return cipher.decrypt(nonce, ct, aad.encode())
        except (InvalidTag, ValueError):
            raise Poison(
                "密封内容与其办件、子件、轮次或收件方不符,或已被改动",
                "the sealed part was altered or belongs to another case, item, round or recipient",
            ) from None

    def _cipher(self, alg: str, kid: str) -> Aead:
        cipher = self._ciphers.get((alg, kid))
        if cipher is None:
            make = ALGORITHMS.get(alg)
            if make is None:
                raise NewerRelease(f"密封算法 / the sealing algorithm {alg}", this_release().following)
            if kid not in self._keys:
                self._refresh()
            if kid not in self._keys:
                raise no_key(kid)
            cipher = self._ciphers[alg, kid] = make(self._keys[kid])
        return cipher


def owner_of(kid: str) -> str:
    """The service whose key an id names: `name.generation-fingerprint`."""
    return kid.partition(".")[0]


def generation_of(kid: str) -> int:
    """The running number in a key id."""
    return int(kid.rpartition(".")[2].partition("-")[0])


def newest_kids(kids: Iterable[str]) -> dict[str, str]:
    """The newest key id of each service."""
    return {owner_of(kid): kid for kid in sorted(kids, key=generation_of)}


def no_key(what: str) -> KeyMissing:
    """The error for a key that is not held."""
    return KeyMissing(
        SETTING,
        f"密钥文件夹中没有 {what} 的密钥,请从备份恢复原来的密钥",
        f"the key folder holds no key for {what}: restore the installation's own keys from their backup",
    )
