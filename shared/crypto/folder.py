"""The folder that holds the keys of an installation: made once, read whole, guarded against everybody else.

`seal/<service>.<generation>-<fingerprint>.key` seals personal data, `sign/<generation>-<fingerprint>.pem` signs tokens,
`audit/<service>.<generation>-<fingerprint>.pem` signs the heads of a service's audit chain, `index.key` makes
references of persons and is never made anew. `retired/` keeps what is no longer used, for old backups.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.clock import new_id
from shared.crypto.sealing import SETTING, generation_of, newest_kids
from shared.disk import sync_folder
from shared.errors import Misconfigured

T = TypeVar("T")
SEAL, SIGN, AUDIT, RETIRED = "seal", "sign", "audit", "retired"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_SEAL_FILE: Final = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]+)-([0-9a-f]{8})\.key")


@dataclass(frozen=True)
class Held:
    """All that a folder holds; `made` names what was missing."""

    installation: UUID
    seal: Mapping[str, bytes]
    index: bytes | None
    sign: Mapping[str, bytes]
    audit: Mapping[str, bytes]
    made: tuple[str, ...] = ()

    @property
    def index_mark(self) -> str:
        """Tells one index key from another, and nothing of either."""
        return "" if self.index is None else _fingerprint(self.index)


def open_folder(folder: Path, services: Iterable[str], expected: UUID | None = None) -> Held:
    """The keys in `folder`, those missing for `services` made; `expected` is the installation they must be of."""

    def opened() -> Held:
        if expected is not None:
            require_installation(folder, expected)
        made = _make_missing(folder, sorted(set(services)))
        return _read(folder, tuple(made))

    return _using(folder, opened)


def read_folder(folder: Path) -> Held:
    """The keys as they are now; nothing is made."""
    return _using(folder, lambda: _read(folder, ()))


def add_generation(folder: Path, kind: str, service: str) -> str:
    """Makes the next key of a service (`seal`, `audit`) or of the tokens (`sign`); the old ones stay. Its file name."""

    def added() -> str:
        held = _read(folder, ())
        if kind == SEAL:
            return _make_seal_key(folder / SEAL, service, _next(held.seal, service))
        if kind == AUDIT:
            return _make_pem(folder / AUDIT, f"{service}.", _next(held.audit, service))
        return _make_pem(folder / SIGN, "", 1 + max(map(generation_of, held.sign), default=0))

    return _using(folder, added)


def retire(folder: Path, kid: str) -> None:
    """Puts a sealing key among the retired ones: nothing here opens with it any more."""

    def put_away() -> None:
        (folder / RETIRED).mkdir(mode=0o700, exist_ok=True)
        (folder / SEAL / f"{kid}.key").rename(folder / RETIRED / f"{kid}.key")
        for place in (SEAL, RETIRED):
            sync_folder(folder / place)

    _using(folder, put_away)


def made_at(folder: Path, kid: str) -> datetime:
    """When a sealing key was made."""
    return datetime.fromtimestamp((folder / SEAL / f"{kid}.key").stat().st_mtime, UTC)


def state_of(folder: Path) -> tuple[int, ...]:
    """Changes whenever a key comes or goes."""
    places = [folder / place for place in (SEAL, SIGN, AUDIT)]
    return tuple(place.stat().st_mtime_ns if place.exists() else 0 for place in places)


def require_installation(folder: Path, expected: UUID) -> None:
    """`Misconfigured` unless the folder is that of the installation whose data the database holds."""
    mark = folder / "installation.id"
    if not mark.exists():
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 中没有本平台的密钥,而数据库属于平台 {expected};请从备份恢复原来的密钥文件夹",
            f"the key folder {folder} holds no keys of this platform, and the database is that of {expected}:"
            " restore its own key folder from its backup",
        )
    found = UUID(mark.read_text("ascii").strip())
    if found != expected:
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 属于另一个平台 {found},数据库属于 {expected}",
            f"the key folder {folder} is that of another installation, {found}; the database is that of {expected}",
        )


def _using(folder: Path, what: Callable[[], T]) -> T:
    """Does something with the folder locked; what goes wrong with it is `Misconfigured`."""
    try:
        with _locked(folder):
            return what()
    except (OSError, ValueError) as error:
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 无法使用({type(error).__name__}),请检查权限或从备份恢复",
            f"the key folder {folder} cannot be used ({type(error).__name__}): check its owner or restore a backup",
        ) from error


def _read(folder: Path, made: tuple[str, ...]) -> Held:
    return Held(
        installation=UUID((folder / "installation.id").read_text("ascii").strip()),
        seal=dict(_read_seal_keys(folder / SEAL)),
        index=_read_index_key(folder / "index.key"),
        sign=_read_pems(folder / SIGN),
        audit=_read_pems(folder / AUDIT),
        made=made,
    )


def _read_pems(folder: Path) -> dict[str, bytes]:
    return {f.name.removesuffix(".pem"): _private(f) for f in sorted(folder.glob("*.pem"))}


def _next(kids: Iterable[str], service: str) -> int:
    newest = newest_kids(kids).get(service)
    if newest is None:
        raise Misconfigured(SETTING, f"没有 {service} 的密钥", f"there is no key of {service}")
    return generation_of(newest) + 1


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
    if first and not any((folder / SIGN).glob("*.pem")):
        made.append(_make_pem(folder / SIGN))
    held = newest_kids(kid for kid, _ in _read_seal_keys(folder / SEAL))
    made += [_make_seal_key(folder / SEAL, service) for service in services if service not in held]
    held = newest_kids(_read_pems(folder / AUDIT))
    made += [_make_pem(folder / AUDIT, f"{service}.") for service in services if service not in held]
    if first:
        made.append(_write(folder / "installation.id", str(new_id())))
    return made


def _make_seal_key(folder: Path, service: str, generation: int = 1) -> str:
    if not _NAME.fullmatch(service):
        raise Misconfigured(SETTING, f"服务名 {service!r} 不能用作密钥名", f"{service!r} cannot name a key")
    key = AESGCM.generate_key(256)
    return _write(folder / f"{service}.{generation}-{_fingerprint(key)}.key", key.hex())


def _make_pem(folder: Path, prefix: str = "", generation: int = 1) -> str:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _write(folder / f"{prefix}{generation}-{_fingerprint(key.public_key().public_bytes_raw())}.pem", pem)


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
        sync_folder(folder)
    return path.name


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
