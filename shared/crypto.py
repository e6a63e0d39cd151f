"""The folder that holds the keys of an installation, and what a service may hold of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from shared.clock import new_id
from shared.errors import Misconfigured
from shared.sealing import SETTING, Aad, Sealed, Sealer, generation_of, newest_kids, no_key, owner_of

__all__ = ["Aad", "Keyring", "Sealed", "Sealer"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_SEAL_FILE: Final = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]+)-([0-9a-f]{8})\.key")


class Keyring:
    """The keys of one installation, or a part of them, in memory; its `repr` tells none."""

    def __init__(
        self,
        installation: UUID,
        seal: Mapping[str, bytes],
        index: bytes | None = None,
        sign: Mapping[str, bytes] | None = None,
        made: tuple[str, ...] = (),
    ) -> None:
        self.installation = installation
        self.made = made
        self._seal, self._index, self._sign = dict(seal), index, dict(sign or {})
        self._sealer = Sealer(self._seal)

    def __repr__(self) -> str:
        return f"Keyring({self.installation}, seal={sorted(self._seal)})"

    @classmethod
    def open(cls, folder: Path, services: Iterable[str]) -> Self:
        """The keys in `folder`, those missing for `services` made; safe when several processes start at once.

        At the first start everything is made (folders 0700, files 0600) and `made` names it: warn then that
        the folder must be backed up apart from the database, which is unreadable without it. Later the index
        key is never made anew, since every reference hangs on it. A folder that cannot be used, is open to
        others, or holds a damaged key is `Misconfigured`.
        """
        try:
            with _locked(folder):
                made = _make_missing(folder, sorted(set(services)))
                return cls(
                    installation=UUID((folder / "installation.id").read_text("ascii").strip()),
                    seal=dict(_read_seal_keys(folder / "seal")),
                    index=_read_index_key(folder / "index.key"),
                    sign={f.name.removesuffix(".pem"): _private(f) for f in sorted((folder / "sign").glob("*.pem"))},
                    made=tuple(made),
                )
        except (OSError, ValueError) as error:
            raise Misconfigured(
                SETTING,
                f"密钥文件夹 {folder} 无法使用({type(error).__name__}),请检查权限或从备份恢复",
                f"the key folder {folder} cannot be used ({type(error).__name__}): check its owner or restore a backup",
            ) from error

    @property
    def services(self) -> frozenset[str]:
        """Whose sealing keys are held."""
        return frozenset(map(owner_of, self._seal))

    @property
    def index_key(self) -> bytes:
        """The 32 bytes of the index key; `Misconfigured` when not held."""
        if self._index is None:
            raise no_key("index.key")
        return self._index

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
        return {kid: _load_private(pem) for kid, pem in self._sign.items()}

    def limited_to(self, *services: str, index: bool | None = None, sign: bool = False) -> Keyring:
        """Only these services' sealing keys (none for none); the index key when any is named, or as `index` says."""
        return Keyring(
            self.installation,
            {kid: key for kid, key in self._seal.items() if owner_of(kid) in services},
            self._index if (bool(services) if index is None else index) else None,
            self._sign if sign else None,
        )

    def sealer(self) -> Sealer:
        """The sealer with the keys held here."""
        return self._sealer


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone; made 0700 if missing, refused when open to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        folder.chmod(0o700)  # an empty folder made by hand
    if folder.stat().st_mode & 0o027:
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 对其他用户开放,请执行 chmod 700 {folder}",
            f"the key folder {folder} is open to other users: chmod 700 {folder}",
        )
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make_missing(folder: Path, services: list[str]) -> list[str]:
    """What was made. A first start that was cut short is finished; the installation id comes last.

    A lost index key is not noticed here when the installation id is lost with it: the new id then differs
    from the one that the database holds.
    """
    made = []
    first = not (folder / "installation.id").exists()
    if first and not (folder / "index.key").exists():
        made.append(_write(folder / "index.key", os.urandom(32).hex()))
    if first and not any((folder / "sign").glob("*.pem")):
        made.append(_make_signing_key(folder / "sign"))
    held = newest_kids(kid for kid, _ in _read_seal_keys(folder / "seal"))
    made += [_make_seal_key(folder / "seal", service) for service in services if service not in held]
    if first:
        made.append(_write(folder / "installation.id", str(new_id())))
    return made


def _make_seal_key(folder: Path, service: str) -> str:
    if not _NAME.fullmatch(service):
        raise Misconfigured(SETTING, f"服务名 {service!r} 不能用作密钥名", f"{service!r} cannot name a key")
    key = AESGCM.generate_key(256)
    return _write(folder / f"{service}.1-{_fingerprint(key)}.key", key.hex())


def _make_signing_key(folder: Path) -> str:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _write(folder / f"1-{_fingerprint(key.public_key().public_bytes_raw())}.pem", pem)


def _fingerprint(key: bytes) -> str:
    # In the key's id: keys of another installation are then missing, not wrong, and nothing is parked for it.
    return hashlib.sha256(b"onewindow key id\0" + key).hexdigest()[:8]


def _write(path: Path, text: str) -> str:
    """Write a new private file whole or not at all, on disk before it is named."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    for folder in (path.parent, path.parent.parent):
        _sync(folder)
    return path.name


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: Path) -> bytes:
    if path.stat().st_mode & 0o027:
        raise Misconfigured(SETTING, f"{path} 对其他用户开放,请 chmod 600", f"{path} is open to others: chmod 600 it")
    return path.read_bytes()


def _read_seal_keys(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.key")):
        match = _SEAL_FILE.fullmatch(path.name)
        key = _hex_key(path)
        if match is None or _fingerprint(key) != match[3]:
            raise Misconfigured(
                SETTING, f"{path} 已损坏或被改名,请从备份恢复", f"{path} is damaged or renamed: restore it"
            )
        yield path.name.removesuffix(".key"), key


def _read_index_key(path: Path) -> bytes | None:
    return _hex_key(path) if path.exists() else None


def _hex_key(path: Path) -> bytes:
    key = bytes.fromhex(_private(path).decode("ascii").strip())
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return key


def _load_private(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(SETTING, "签名密钥应为 Ed25519", "the signing key must be Ed25519")
    return key
