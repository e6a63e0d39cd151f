"""What a backup says of itself: which installation and release made it, and the hash of every file in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Conflict

FORMAT: Final = 1
NAME: Final = "manifest.json"
_CHUNK: Final = 1024 * 1024


class DatabaseKept(BaseModel):
    """One database's dump and whose state is in it, each at its migration's revision."""

    model_config = ConfigDict(frozen=True)

    file: str
    server: str
    revisions: dict[str, str]


class Manifest(BaseModel):
    """A backup's contents; `hashes` is SHA-256 by path, of everything but the manifest. `keys` are the keys' file
    names, which tell their owners and fingerprints, never a key; `address` is the bus that the platform was on."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    made_at: datetime
    release: str
    installation: UUID
    bus: str
    address: str = ""
    databases: dict[str, DatabaseKept]
    files: int
    keys: tuple[str, ...]
    hashes: dict[str, str]

    def write(self, folder: Path) -> None:
        """Writes it last: a folder without it is no backup."""
        draft = folder / f".{NAME}.new"
        draft.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")
        draft.replace(folder / NAME)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a whole backup; `Conflict` (`BACKUP_DAMAGED`) when it, or anything it names, is not as it was."""
        try:
            found = cls.model_validate_json((folder / NAME).read_bytes())
        except FileNotFoundError as cause:
            raise damaged(
                f"没有 {folder / NAME}(没做完,或不是备份)", f"there is no {folder / NAME}: unfinished, or none"
            ) from cause
        except (OSError, ValidationError) as cause:
            raise damaged(f"{folder / NAME}") from cause
        if found.format != FORMAT:
            raise damaged(f"format {found.format}")
        if wrong := sorted(_wrong(folder, found.hashes)):
            raise damaged(", ".join(wrong[:5]))
        return found


def damaged(what: str, what_en: str = "") -> Conflict:
    """The backup cannot be relied on: take another one."""
    return Conflict(
        "BACKUP_DAMAGED",
        f"备份不完整或已损坏:{what};请换一份备份",
        f"the backup is damaged: {what_en or what}; take another one",
    )


def hashes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path from there."""
    return {path: sha256(folder / path) for path in paths_in(folder) if path != NAME}


def paths_in(folder: Path) -> Iterator[str]:
    """Every file below a folder, as its path from there."""
    found: Iterable[Path] = sorted(folder.rglob("*"))
    return (p.relative_to(folder).as_posix() for p in found if p.is_file())


def sha256(path: Path) -> str:
    """The hash of a file of any size."""
    made = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()


def _wrong(folder: Path, hashes: dict[str, str]) -> set[str]:
    there = {path for path in paths_in(folder) if path != NAME}
    changed = {path for path in there & hashes.keys() if sha256(folder / path) != hashes[path]}
    return changed | (there ^ hashes.keys())
