"""Whether a file that a request names is one of its application."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.errors import FieldError, Invalid

if TYPE_CHECKING:
    from shared.runtime.spec import ServiceHandle


async def require_file(handle: ServiceHandle, case_id: UUID, file_id: UUID | None, pointer: str) -> None:
    """`Invalid` (`FILE_UNKNOWN`) for a file that is not of this application; until files are kept none is."""
    if file_id is not None:
        message = "没有这个文件,请先上传 / there is no such file, upload it first"
        raise Invalid([FieldError(pointer, "FILE_UNKNOWN", message)])
