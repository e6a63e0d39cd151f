"""The chain in pure values: a row's digest, a batch's hash, a signed head. Bytes here are for good: old chains must verify.

A row is hashed over its columns as JSON of one order (`detail` with sorted keys), its time as microseconds since 1970.
A batch covers exactly the rows that it names; `low` says that nothing at or below it will ever come that is not covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ROW: Final = ("seq", "at", "actor", "action", "kind", "aggregate_id", "version", "cause", "detail")
"""The columns of a row that its digest covers, in order."""

SEAL: Final = ("number", "low", "last", "seqs", "digests", "previous", "hash", "sealed_at")
SIZE: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BATCH, _GENESIS, _HEAD = b"onewindow audit batch 1\0", b"onewindow audit genesis 1\0", b"onewindow audit head 1\0"


def digest(row: Sequence[Any]) -> bytes:
    """SHA-256 of an audit row, its columns in the order of `ROW` as the driver gives them."""
    seq, at, actor, action, kind, aggregate_id, version, cause, detail = row
    told = None if detail is None else orjson.loads(detail)
    values = [seq, (at - _EPOCH) // _MICROSECOND, actor, action, kind, aggregate_id, version, cause, told]
    return sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).digest()


def genesis(installation: UUID, service: str) -> bytes:
    """What the first batch is linked to: no chain of another installation or service can take its place."""
    return sha256(_GENESIS + orjson.dumps([str(installation), service])).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """One batch of linked rows."""

    number: int
    low: int
    last: int
    seqs: tuple[int, ...]
    digests: bytes
    previous: bytes
    hash: bytes
    sealed_at: datetime

    @classmethod
    def of(cls, number: int, low: int, rows: Mapping[int, bytes], previous: bytes, sealed_at: datetime) -> Self:
        """The batch that covers these rows (digests by seq), linked to the hash before it."""
        seqs = tuple(sorted(rows))
        digests = b"".join(rows[seq] for seq in seqs)
        made = _hash(number, low, seqs, digests, previous, sealed_at)
        return cls(number, low, max(seqs, default=low), seqs, digests, previous, made, sealed_at)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """The batch in a row of `audit_seal`."""
        found = {name: row[name] for name in SEAL}
        return cls(**{**found, "seqs": tuple(found["seqs"])})

    def rows(self) -> dict[int, bytes]:
        """Each row's digest by its seq; empty when they do not fit together."""
        if len(self.digests) != SIZE * len(self.seqs):
            return {}
        return {seq: self.digests[SIZE * n : SIZE * (n + 1)] for n, seq in enumerate(self.seqs)}

    def whole(self) -> bool:
        """Whether the hash is that of what stands here."""
        said = _hash(self.number, self.low, self.seqs, self.digests, self.previous, self.sealed_at)
        return (
            self.hash == said and self.last == max(self.seqs, default=self.low) and bool(self.rows()) == bool(self.seqs)
        )


def _hash(number: int, low: int, seqs: Iterable[int], digests: bytes, previous: bytes, sealed_at: datetime) -> bytes:
    told = orjson.dumps([number, low, (sealed_at - _EPOCH) // _MICROSECOND, list(seqs)])
    return sha256(_BATCH + len(told).to_bytes(4, "big") + told + previous + digests).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """The signed head of a service's chain: an auditor keeps it outside, and no chain without it verifies again."""

    service: str
    number: int
    hash: bytes
    at: datetime
    kid: str
    signature: bytes

    @classmethod
    def sign(cls, service: str, seal: Seal, at: datetime, kid: str, key: Ed25519PrivateKey) -> Self:
        """The chain as it ends with this batch, signed."""
        return cls(service, seal.number, seal.hash, at, kid, key.sign(_signed(service, seal.number, seal.hash, at)))

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether this is what the key's owner signed."""
        try:
            key.verify(self.signature, _signed(self.service, self.number, self.hash, self.at))
        except InvalidSignature:
            return False
        return True

    def shown(self) -> dict[str, Any]:
        """As it is told outside: bytes in hex, the time in full."""
        return {
            "service": self.service,
            "number": self.number,
            "hash": self.hash.hex(),
            "at": self.at.isoformat(),
            "kid": self.kid,
            "signature": self.signature.hex(),
        }

    @classmethod
    def told(cls, shown: Mapping[str, Any]) -> Self:
        """The head that `shown` told; `ValueError`, `KeyError` or `TypeError` when it is none."""
        return cls(
            str(shown["service"]),
            int(shown["number"]),
            bytes.fromhex(shown["hash"]),
            datetime.fromisoformat(shown["at"]),
            str(shown["kid"]),
            bytes.fromhex(shown["signature"]),
        )


def _signed(service: str, number: int, hash_: bytes, at: datetime) -> bytes:
    return _HEAD + orjson.dumps([service, number, hash_.hex(), (at - _EPOCH) // _MICROSECOND])
