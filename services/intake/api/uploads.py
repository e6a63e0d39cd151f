"""A file as it comes in: read in memory within its time and size, looked into, and kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.intake.api.access import RECEIVING
from services.intake.domain import files
from services.intake.domain.files import File
from services.intake.domain.sealing import FILE_NAME, seal
from services.intake.store import files as stored
from services.intake.store.vault import vault
from shared.changes import Changes, Ctx
from shared.clock import random_id
from shared.errors import Conflict, FieldError, Invalid
from shared.http.auth import Principal
from shared.http.idempotency import Scope
from shared.http.refusals import HttpError
from shared.spec import ServiceHandle

READ_SECONDS = 60.0
"""Real time in which a file must have come: who sends slower would hold the room of others."""

MOST_WAITING = 200
"""Files of one account that no application has taken: beyond these none is kept."""

_LONGEST_NAME = 200


async def take_in(handle: ServiceHandle, request: Request, who: Principal, key: Scope) -> dict[str, Any]:
    """The file of this request, kept, as its uploader is told of it; refused where too many wait, or none is in it."""
    await _refuse_hoard(handle, who)
    async with vault(handle).room_for(who.account):
        content, declared, name = await _in_time(_read(request, handle.settings.file_bytes))
        return await _keep(handle, content, declared, name, who, key)


async def _refuse_hoard(handle: ServiceHandle, who: Principal) -> None:
    if await stored.waiting(handle, who.account) >= MOST_WAITING:
        zh = f"已有 {MOST_WAITING} 个文件未用于申请,请先提交申请"
        raise HttpError(409, "FILES_WAITING", zh, f"{MOST_WAITING} files wait for an application: hand one in first")


async def _in_time(reading: Awaitable[tuple[bytes, str, str]]) -> tuple[bytes, str, str]:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await reading
    except TimeoutError:
        raise HttpError(408, "TOO_SLOW") from None


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
        raise HttpError(400, "FORM_UNREADABLE") from None
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
        raise Invalid([FieldError("/file", "FILE_REFUSED")])
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
