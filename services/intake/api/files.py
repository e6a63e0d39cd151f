"""`/files`: hand a file in, and read it; every reading is recorded."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.access import PEOPLE, RECEIVING, STAFF, concerned, hidden, receives
from services.intake.api.recorded import record
from services.intake.api.shapes import FileShown
from services.intake.api.uploads import take_in
from services.intake.domain.files import File
from services.intake.domain.intimate import shows_file
from services.intake.domain.model import Application
from services.intake.domain.sealing import FILE_NAME, unseal
from services.intake.store.vault import vault
from shared.audit.readings import Ground, Reading, note_reading
from shared.errors import Poison
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.idempotency import Scope, unread_idempotency
from shared.http.recording import recorded
from shared.http.refusals import HttpError, not_found
from shared.spec import ServiceHandle

UPLOADS = "/files"
ENDINGS = {
    "application/pdf": ".pdf",
    "application/ofd": ".ofd",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
}
_HARMLESS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def router(handle: ServiceHandle) -> APIRouter:
    """Handing in and reading files."""
    routes = APIRouter()

    @routes.post(
        UPLOADS,
        dependencies=[recorded(handle)],
        openapi_extra=_documented(),
        **answers(FileShown, 201, {408: "发送太慢 / it took too long to come"}),
    )
    async def create_file(
        request: Request,
        key: Annotated[Scope, Depends(unread_idempotency)],
        who: Annotated[Principal, allow(*RECEIVING, "citizen")],
    ) -> Any:
        """Takes one file in, as the part `file` of a form; it waits thirty days for its application."""
        await handle.require_room()
        return await take_in(handle, request, who, key)

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


async def _seen(handle: ServiceHandle, file_id: UUID, who: Principal) -> File:
    """The file, for whoever may see it; for everyone else there is none (404)."""
    file: File | None = await handle.load("file", file_id)
    if file is None or file.state == "gone" or not await _may_see(handle, file, who):
        raise not_found()
    if file.problem is not None:
        raise HttpError(409, file.problem)
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
        raise HttpError(409, "FILE_LOST") from cause


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
