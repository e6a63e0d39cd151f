"""Signed heads as they are kept here and outside: each must be signed by a key of ours and lie on the chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.audit.chain import Head
from shared.db.documents import qualified

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

LATE = timedelta(hours=2)
"""A head is signed every hour; twice that without one is a finding."""

Wrong = tuple[str, str, str, str]
"""Code, about, and words in Chinese and English."""


async def heads_of(service: RunningService) -> list[Head]:
    """Every head that was signed, oldest first."""
    async with service.read() as conn:
        rows = await conn.fetch(
            f"SELECT number, hash, at, kid, signature FROM {qualified(service.spec.delivery.audit_head)} ORDER BY number"
        )
    return [Head(service.spec.name, *row) for row in rows]


async def newest_head(service: RunningService) -> Head | None:
    """The head signed last, None while there is none."""
    async with service.read() as conn:
        row = await conn.fetchrow(
            f"SELECT number, hash, at, kid, signature FROM {qualified(service.spec.delivery.audit_head)}"
            " ORDER BY number DESC LIMIT 1"
        )
    return None if row is None else Head(service.spec.name, *row)


def late_head(here: Sequence[Head], sealed: Sequence[datetime]) -> Iterator[Wrong]:
    """That the chain went on for hours and no head was signed; `sealed` says when its first and last batch were made."""
    since = here[-1].at if here else min(sealed, default=None)
    if since is not None and max(sealed, default=since) - since > LATE:
        said = since.isoformat(timespec="seconds")
        yield "HEAD_MISSING", f"head after {said}", f"自 {said} 起没有签过链头", f"no head was signed since {said}"


def wrong_heads(
    service: RunningService, here: Sequence[Head], outside: Sequence[Head], hashes: Mapping[int, bytes]
) -> Iterator[Wrong]:
    """What is wrong with the heads kept here and those that an auditor kept outside; `hashes` are the chain's."""
    keys = {kid: key.public_key() for kid, key in service.keyring.audit_keys(service.spec.name).items()}
    for where, heads in (("", here), ("outside ", outside)):
        for head in heads:
            about, n = f"{where}head {head.number}", head.number
            key = keys.get(head.kid)
            if key is None:
                yield (
                    "HEAD_KEY_UNKNOWN",
                    about,
                    f"链头 {n} 的签名密钥 {head.kid} 不在",
                    f"head {n}: no key {head.kid} here",
                )
            elif not head.signed_by(key):
                yield "HEAD_FORGED", about, f"链头 {n} 的签名不对", f"head {n} is not what was signed"
            if hashes.get(n) != head.hash:
                yield "HEAD_NOT_ON_CHAIN", about, f"链头 {n} 不在链上", f"head {n} is not on the chain"
