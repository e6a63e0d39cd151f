"""Files named in what is handed in: whether this person may hand them in, and how the application takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake.api.access import RECEIVING
from services.intake.domain import files
from services.intake.domain.files import File
from services.intake.store import files as stored
from shared.changes import Changes, Ctx
from shared.errors import FieldError, Invalid
from shared.http.principal import Principal
from shared.spec import Command, ServiceHandle


def files_named(raw: Mapping[str, Any]) -> list[str]:
    """Every text that stands where a file is named, whatever else is wrong with what was handed in."""
    places = [(raw.get("agent"), "mandate_file_id")]
    places += [(one, "authorization_file_id") for one in _listed(raw.get("household"))]
    places += [(one, "file_id") for one in _listed(raw.get("materials"))]
    found = [place.get(name) for place, name in places if isinstance(place, Mapping)]
    return [text for text in found if isinstance(text, str)]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


async def looked_up(handle: ServiceHandle, named: Iterable[str], who: Principal) -> dict[str, str | None]:
    """Of each file named, the code of what keeps this person from handing it in, or None; unknown ones are left out."""
    ids = {text: file_id for text in named if (file_id := _id(text)) is not None}
    if not ids:
        return {}
    known = await stored.found(handle, list(ids.values()))
    mine = {text: file for text, file_id in ids.items() if _hands_in(file := known.get(file_id), who)}
    return {text: file.problem for text, file in mine.items() if file is not None}


async def require_file(handle: ServiceHandle, file_id: UUID | None, pointer: str, who: Principal) -> None:
    """`Invalid` for a file that this person cannot hand in."""
    if file_id is not None:
        code = (await looked_up(handle, [str(file_id)], who)).get(str(file_id), "FILE_UNKNOWN")
        if code is not None:
            raise Invalid([FieldError(pointer, code)])


def _hands_in(file: File | None, who: Principal) -> bool:
    """Its uploader, or who receives in the same hall."""
    if file is None:
        return False
    return file.owner == who.account or any(r.role in RECEIVING and r.unit == file.unit for r in who.roles)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def claims(named: Iterable[tuple[str, str]], case_id: UUID) -> Sequence[tuple[str, UUID, Command]]:
    """The commands by which an application takes its files (`pointer, file_id`), each once, in its own unit of work."""
    once = {file_id: pointer for pointer, text in named if (file_id := _id(text)) is not None}  # the rest is refused
    return [("file", file_id, _claim(case_id, pointer)) for file_id, pointer in once.items()]


def _claim(case_id: UUID, pointer: str) -> Command:
    def claim_file(state: File | None, ctx: Ctx) -> tuple[Changes[File], None]:
        return files.claim(state, case_id, pointer), None

    return claim_file
