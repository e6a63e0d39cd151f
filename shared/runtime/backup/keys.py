"""The keys in a folder of their own, to be kept in other hands than the data; sealed under a passphrase if one is given."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from shared.errors import Conflict
from shared.runtime.backup.databases import not_empty
from shared.runtime.backup.manifest import paths_in

SEALED: Final = "keys.sealed"
INSTALLATION: Final = "installation.id"
_MARK: Final = b"onewindow keys 1\n"
_SALT, _NONCE = 16, 12
_COST: Final = 2**16
"""Scrypt's work factor: about 64 MiB and a quarter of a second a guess."""


def names(folder: Path) -> tuple[str, ...]:
    """The files of a key folder: their names say whose they are."""
    return tuple(path for path in paths_in(folder) if not Path(path).name.startswith("."))


def installation_of(folder: Path) -> UUID:
    """Whose keys they are; `Conflict` when the folder holds none."""
    try:
        return UUID((folder / INSTALLATION).read_text("ascii").strip())
    except (OSError, ValueError) as cause:
        raise Conflict("NO_KEYS", f"{folder} 中没有密钥", f"{folder} holds no keys") from cause


def save(source: Path, target: Path, passphrase: str | None) -> None:
    """Puts the keys into a new folder, open to its owner alone."""
    _make_private(target)
    if passphrase is None:
        _copy(source, target)
        return
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names(source):
            tar.add(source / name, name)
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    sealed = AESGCM(_derived(passphrase, salt)).encrypt(nonce, packed.getvalue(), _MARK)
    _write(target / SEALED, _MARK + salt + nonce + sealed)


def bring_back(source: Path, target: Path, passphrase: str | None) -> None:
    """The keys as they were; `Conflict` (`WRONG_PASSPHRASE`) for another passphrase, or none where one is needed."""
    if (source / SEALED).exists():
        packed = _opened(source / SEALED, passphrase or "")
        _make_private(target)
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            for member in tar.getmembers():
                found = tar.extractfile(member)
                if found is not None:
                    _write(_inside(target, member.name), found.read())
    else:
        _make_private(target)
        _copy(source, target)


def _opened(path: Path, passphrase: str) -> bytes:
    data = path.read_bytes()
    head = len(_MARK)
    salt, nonce = data[head : head + _SALT], data[head + _SALT : head + _SALT + _NONCE]
    try:
        return AESGCM(_derived(passphrase, salt)).decrypt(nonce, data[head + _SALT + _NONCE :], _MARK)
    except (InvalidTag, ValueError) as cause:
        raise Conflict("WRONG_PASSPHRASE") from cause


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())


def _make_private(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise not_empty(str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _copy(source: Path, target: Path) -> None:
    for name in names(source):
        _write(target / name, (source / name).read_bytes())


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        shutil.rmtree(folder)
        raise Conflict("WRONG_PASSPHRASE", "密钥文件内容有误", "the file of keys holds a path outside its folder")
    return path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
