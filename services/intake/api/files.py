"""`/files`: hand a file in, and read it; every reading is recorded."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.intake.api.access import PEOPLE, RECEIVING, STAFF, concerned, hidden, receives
from services.intake.api.recorded import record
from services.intake.api.shapes import FileShown
from services.intake.domain import files
from services.intake.domain.files import File
from services.intake.domain.intimate import shows_file
from services.intake.domain.model import Application
from services.intake.domain.sealing import FILE_NAME, OWN, seal, unseal
from services.intake.store import files as stored
from shared.audit.readings import Ground, Reading, note_reading
from shared.changes import Changes, Ctx
from shared.clock import random_id
from shared.errors import Conflict, FieldError, Invalid, Poison, Transient
from shared.facts.port import FactAnswer, Question
from shared.files.vault import Vault
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.idempotency import Scope, unread_idempotency
from shared.http.refusals import HttpError, not_found
from shared.outcomes import FactStatus
from shared.runtime.spec import ServiceHandle

log = structlog.get_logger("onewindow.files")
UPLOADS = "/files"
ENDINGS = {
    "application/pdf": ".pdf",
    "application/ofd": ".ofd",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
}
READ_SECONDS = 60.0
"""Real time in which a file must have come: who sends slower would hold the room of others."""

MOST_WAITING = 200
"""Files of one account that no application has taken: beyond these none is kept."""

_LONGEST_NAME = 200
_HARMLESS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

_VAULTS: WeakKeyDictionary[Any, Vault] = WeakKeyDictionary()


def vault(handle: ServiceHandle) -> Vault:
    """The files of this running service."""
    if handle not in _VAULTS:
        _VAULTS[handle] = Vault.of(handle.settings, handle.keyring, OWN)
    return _VAULTS[handle]


def router(handle: ServiceHandle) -> APIRouter:
    """Handing in and reading files."""
    routes = APIRouter()

    @routes.post(UPLOADS, openapi_extra=_documented(), **answers(FileShown, 201))
    async def create_file(
        request: Request,
        key: Annotated[Scope, Depends(unread_idempotency)],
        who: Annotated[Principal, allow(*RECEIVING, "citizen")],
    ) -> Any:
        """Takes one file in, as the part `file` of a form; it waits thirty days for its application."""
        await handle.require_room()
        await _refuse_hoard(handle, who)
        async with vault(handle).room_for(who.account):
            content, declared, name = await _in_time(_read(request, handle.settings.file_bytes))
            return await _keep(handle, content, declared, name, who, key)

    @routes.get(UPLOADS + "/{file_id}", response_class=Response, **_as_a_file())
    async def get_file(
        file_id: UUID, who: Annotated[Principal, allow(*PEOPLE)], ground: Ground = Ground.HANDLING
    ) -> Response:
        """The file itself, for who uploaded it and for staff whom its application concerns, on a stated ground."""
        file = await _seen(handle, file_id, who)
        async with vault(handle).room_for(who.account):
            content = await _opened(handle, file)
        await _note(handle, file, who, ground)
        return Response(content, media_type="application/octet-stream", headers=_headers(handle, file))

    return routes


async def _refuse_hoard(handle: ServiceHandle, who: Principal) -> None:
    if await stored.waiting(handle, who.account) >= MOST_WAITING:
        zh = f"已有 {MOST_WAITING} 个文件未用于申请,请先提交申请"
        raise HttpError(409, "FILES_WAITING", zh, f"{MOST_WAITING} files wait for an application: hand one in first")


async def _in_time(reading: Awaitable[tuple[bytes, str, str]]) -> tuple[bytes, str, str]:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await reading
    except TimeoutError:
        raise HttpError(408, "TOO_SLOW", "上传太慢,请换个网络再试", "the upload took too long, try again") from None


class _InMemory(MultiPartParser):
    """Keeps the parts in memory: what people hand in never lies in clear on a disk."""

    spool_max_size = 1 << 40


async def _read(request: Request, most: int) -> tuple[bytes, str, str]:
    """Content, declared type and name of the one file of the form; 413 beyond the limit, 422 where there is none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid([_no_file()])
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=1, max_fields=4).parse()
    except (MultiPartException, KeyError):
        raise HttpError(400, "FORM_UNREADABLE", "表单读不了", "the form cannot be read") from None
    part = form.get("file")
    if not isinstance(part, UploadFile):
        raise Invalid([_no_file()])
    content = await part.read()
    if len(content) > most:
        raise HttpError(413, "FILE_TOO_LARGE", f"文件不得超过 {most} 字节", f"a file has at most {most} bytes")
    return content, part.content_type or "", part.filename or ""


def _no_file() -> FieldError:
    return FieldError("/file", "REQUIRED", "请以表单字段 file 上传一个文件 / send one file as the form field `file`")


async def _keep(
    handle: ServiceHandle, content: bytes, declared: str, name: str, who: Principal, key: Scope
) -> dict[str, Any]:
    name, file_id = _plain(name), random_id()
    kept = await vault(handle).keep(file_id, content, declared, name)
    if kept.verdict == "infected":
        async with handle.write(who.account, "file_refused", {"sha256": kept.sha256}):
            pass
        raise Invalid([files.file_error("/file", "FILE_REFUSED")])
    file = File(
        id=file_id,
        owner=who.account,
        unit=next((r.unit for r in who.roles if r.role in RECEIVING), None),
        name=seal(handle.keyring, file_id, FILE_NAME, 0, {"name": name}),
        type=kept.kind.mime,
        size=kept.size,
        sha256=kept.sha256,
        wrapped=kept.wrapped,
        state="clean" if kept.verdict else "quarantined",
        scanned=kept.verdict == "clean",
        at=handle.clock.now(),
    )

    def keep_file(state: File | None, ctx: Ctx) -> tuple[Changes[File], dict[str, Any]]:
        return files.keep(file), _shown(file)

    same = hashlib.sha256(f"{kept.sha256} {declared} {name}".encode()).digest()
    scope = (*key[:3], same)
    try:
        answer: dict[str, Any] = await handle.command("file", file_id, keep_file, actor=who.account, idempotency=scope)
    except (Invalid, Conflict):  # refused for certain; after any other failure the row may stand, so the file stays
        await vault(handle).remove(file_id)
        raise
    if answer["file_id"] != str(file_id):  # the same request again: what it brought lies there already
        await vault(handle).remove(file_id)
    return answer


def _plain(name: str) -> str:
    """The file's name without a path and without what nobody sees."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[-_LONGEST_NAME:]


def _shown(file: File) -> dict[str, Any]:
    return {
        "file_id": str(file.id),
        "sha256": file.sha256,
        "type": file.type,
        "size": file.size,
        "state": file.state,
        "scanned": file.scanned,
    }


# --- who may read, and that they did ----------------------------------------------------------------------------------


async def _seen(handle: ServiceHandle, file_id: UUID, who: Principal) -> File:
    """The file, for whoever may see it; for everyone else there is none (404)."""
    file: File | None = await handle.load("file", file_id)
    if file is None or file.state == "gone" or not await _may_see(handle, file, who):
        raise not_found()
    if file.problem is not None:
        zh, _, en = files.WORDS[file.problem].partition(" / ")
        raise HttpError(409, file.problem, zh, en)
    return file


async def _may_see(handle: ServiceHandle, file: File, who: Principal) -> bool:
    uploaded = file.owner == who.account
    if file.case_id is None or not who.has(*STAFF):
        return uploaded
    application: Application | None = await handle.load("application", file.case_id)
    if application is None or not shows_file(application, file.id, hidden(handle, application, who), handle.catalog):
        return False
    return uploaded or receives(application, who) or concerned(application, who, handle)


async def _opened(handle: ServiceHandle, file: File) -> bytes:
    assert file.wrapped is not None  # noqa: S101 - only a file that is gone or refused has none
    try:
        return await vault(handle).open(file.id, file.wrapped, file.sha256)
    except Poison as cause:
        async with handle.write("system", "file_damaged", {"file_id": str(file.id)}):
            pass
        raise HttpError(409, "FILE_DAMAGED", cause.detail_zh, cause.detail_en) from cause


async def _note(handle: ServiceHandle, file: File, who: Principal, ground: Ground) -> None:
    """Whatever staff read is on record with its case; one's own file is no reading."""
    if not who.has(*STAFF):
        return
    fields = (f"files/{file.id}",)
    application: Application | None = await handle.load("application", file.case_id) if file.case_id else None
    if application is None:
        await note_reading(handle, who, Reading((), fields, ground, "file", str(file.id)))
    else:
        await record(handle, who, application, fields, ground)


def _headers(handle: ServiceHandle, file: File) -> dict[str, str]:
    """As something to save, never to show: a browser runs nothing of it, and guesses no type."""
    name = unseal(handle.keyring, file.id, FILE_NAME, 0, file.name)["name"] if file.name else ""
    name = name or f"{file.id}{ENDINGS.get(file.type, '')}"
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return {**_HARMLESS, "content-disposition": disposition, "x-file-type": file.type}


# --- what is asked of store and scanner -------------------------------------------------------------------------------


async def rescan(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """Has files looked into that the scanner did not answer for when they came."""
    return [await _rescan(handle, file) for file in await _asked(handle, questions)]


async def _rescan(handle: ServiceHandle, file: File | None) -> FactAnswer:
    if file is None or file.wrapped is None:
        return FactAnswer(FactStatus.CONTRADICTED, {}, files.SCANNER)
    async with vault(handle).room:
        verdict = await vault(handle).look(await vault(handle).open(file.id, file.wrapped, file.sha256))
    if verdict is None:
        return FactAnswer(FactStatus.SILENT, {}, files.SCANNER)
    status = FactStatus.CONTRADICTED if verdict == "infected" else FactStatus.CONFIRMED
    return FactAnswer(status, {"scanned": verdict == "clean"}, files.SCANNER)


async def let_go(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """Has the store keep files no more."""
    for question in questions:
        await vault(handle).remove(UUID(str(question.question["file_id"])))
    return [FactAnswer(FactStatus.CONFIRMED, {}, files.STORE)] * len(questions)


async def _asked(handle: ServiceHandle, questions: Sequence[Question]) -> list[File | None]:
    ids = [UUID(str(q.question["file_id"])) for q in questions]
    known: Mapping[UUID, File] = await stored.found(handle, ids)
    return [known.get(file_id) for file_id in ids]


SWEEP_SECONDS = 3600.0
ORPHAN_SECONDS = 24 * 3600.0
"""Real time after which a file without a row is one that nobody was ever told of."""


async def sweeper(handle: ServiceHandle) -> None:
    """Lets files go, for ever, whose row was never committed: the process ended between the two."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await sweep(handle)
        except Transient as cause:
            log.warning("sweep_put_off", cause=cause.code)


async def sweep(handle: ServiceHandle, seconds: float = ORPHAN_SECONDS) -> int:
    """How many files without a row, put longer ago than this, were let go."""
    names = await asyncio.to_thread(lambda: [UUID(name) for name in vault(handle).store.older(seconds)])
    known = await stored.found(handle, names) if names else {}
    orphans = [name for name in names if name not in known]
    for name in orphans:
        await vault(handle).remove(name)
    return len(orphans)


def _as_a_file() -> dict[str, Any]:
    """The answer for OpenAPI: bytes to save."""
    said = answers(FileShown)
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    said["responses"] = {**said["responses"], 200: {"description": "the file", "content": binary}}
    return said


def _documented() -> dict[str, Any]:
    """The form for OpenAPI: the route reads it itself, so that nothing of it touches a disk in clear."""
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
