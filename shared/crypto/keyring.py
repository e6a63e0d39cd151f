"""The keys of an installation, or of one service of it, in memory; new generations are taken up while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.crypto.folder import Held, open_folder, read_folder, state_of
from shared.crypto.sealing import SETTING, Sealer, generation_of, newest_kids, no_key, owner_of
from shared.errors import Misconfigured


class Keyring:
    """The keys of one installation, or a part of them; its `repr` tells none."""

    def __init__(self, held: Held, folder: Path | None = None, whole: Keyring | None = None) -> None:
        self.installation, self.made, self.index_mark = held.installation, held.made, held.index_mark
        self._held, self._folder, self._whole = held, folder, whole
        self._parts: list[tuple[Keyring, frozenset[str], frozenset[str], bool]] = []
        self._state = state_of(folder) if folder is not None else ()
        self._sealer = Sealer(held.seal, self.refresh)

    def __repr__(self) -> str:
        return f"Keyring({self.installation}, seal={sorted(self._held.seal)})"

    @classmethod
    def open(cls, folder: Path, services: Iterable[str], expected: UUID | None = None) -> Self:
        """The keys in `folder`, those missing for `services` made; safe when several processes start at once.

        At the first start everything is made (folders 0700, files 0600) and `made` names it: warn then that
        the folder must be backed up apart from the database, which is unreadable without it. Later the index
        key is never made anew, since every reference hangs on it. A folder that cannot be used, is open to
        others, holds a damaged key, or is not that of the `expected` installation is `Misconfigured`.
        """
        held = open_folder(folder, services, expected)
        return cls(held, folder)

    @property
    def services(self) -> frozenset[str]:
        """Whose sealing keys are held."""
        return frozenset(map(owner_of, self._held.seal))

    @property
    def kids(self) -> frozenset[str]:
        """The ids of all sealing keys held."""
        return frozenset(self._held.seal)

    @property
    def index_key(self) -> bytes:
        """The 32 bytes of the index key; `Misconfigured` when not held."""
        if self._held.index is None:
            raise no_key("index.key")
        return self._held.index

    @property
    def signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        """The newest signing key for tokens with its id; `Misconfigured` when not held."""
        keys = self.signing_keys
        if not keys:
            raise no_key("sign/*.pem")
        newest = max(keys, key=generation_of)
        return newest, keys[newest]

    @property
    def signing_keys(self) -> dict[str, Ed25519PrivateKey]:
        """Every signing key by its id, so that tokens of the one before still verify."""
        return {kid: _load_private(pem) for kid, pem in self._held.sign.items()}

    def audit_key(self, service: str) -> tuple[str, Ed25519PrivateKey]:
        """The newest key that signs the heads of a service's audit chain; `Misconfigured` when not held."""
        kid = newest_kids(self._held.audit).get(service)
        if kid is None:
            raise no_key(f"audit/{service}.*.pem")
        return kid, _load_private(self._held.audit[kid])

    def audit_keys(self, service: str) -> dict[str, Ed25519PrivateKey]:
        """Every key that signed heads of a service's audit chain, by its id."""
        return {kid: _load_private(pem) for kid, pem in self._held.audit.items() if owner_of(kid) == service}

    def limited_to(
        self, *services: str, index: bool | None = None, sign: bool = False, audit: Iterable[str] | None = None
    ) -> Keyring:
        """Only these services' sealing keys (none for none) and those of their audit chains, or of the chains that
        `audit` names; the index key when any is named, or as `index` says."""
        chains = frozenset(services if audit is None else audit)
        with_index = bool(services) if index is None else index
        held = self._held if with_index else _without_index(self._held)
        part = Keyring(_limited(held, frozenset(services), chains, sign=sign), whole=self)
        self._parts.append((part, frozenset(services), chains, sign))
        return part

    def sealer(self) -> Sealer:
        """The sealer with the keys held here."""
        return self._sealer

    def refresh(self) -> None:
        """Takes up keys that came to the folder, and drops those that went, here and in every part."""
        if self._whole is not None:
            self._whole.refresh()
        elif self._folder is not None and (state := state_of(self._folder)) != self._state:
            self._take(read_folder(self._folder))
            self._state = state

    def _take(self, held: Held) -> None:
        self._held = held
        self._sealer.take(held.seal)
        for part, services, chains, sign in self._parts:
            index = part._held.index  # noqa: SLF001 — a part of ours
            part._take(_limited(_with_index(held, index), services, chains, sign=sign))  # noqa: SLF001 — the same


def _limited(held: Held, services: frozenset[str], chains: frozenset[str], *, sign: bool) -> Held:
    return Held(
        installation=held.installation,
        seal=_of(held.seal, services),
        index=held.index,
        sign=held.sign if sign else {},
        audit=_of(held.audit, chains),
    )


def _of(keys: Mapping[str, bytes], services: frozenset[str]) -> dict[str, bytes]:
    return {kid: key for kid, key in keys.items() if owner_of(kid) in services}


def _with_index(held: Held, index: bytes | None) -> Held:
    return Held(held.installation, held.seal, index, held.sign, held.audit)


def _without_index(held: Held) -> Held:
    return _with_index(held, None)


def _load_private(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(SETTING, "签名密钥应为 Ed25519", "the signing key must be Ed25519")
    return key
