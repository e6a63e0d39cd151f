"""The `Idempotency-Key` header: the same key and body get the stored answer, whatever was lost on the way."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Header, Request

from shared.http.auth import authenticate
from shared.http.refusals import HttpError

Scope = tuple[str, str, str, bytes]
"""(principal, route, key, body): what `ServiceHandle.command` takes as `idempotency`."""

ALWAYS: Final = "x-always"
"""Marks the header in the OpenAPI document where it is required: the framework must not refuse its absence itself."""
_WORDS: Final = "本次提交的唯一编号,重发用同一个 / one for each thing to do, the same when it is sent again"
_Required = Annotated[str | None, Header(description=_WORDS, json_schema_extra={ALWAYS: True})]
_Welcome = Annotated[str | None, Header(description=_WORDS)]
_FORM: Final = re.compile(r"[\x21-\x7e]{1,200}")


async def idempotency(request: Request, idempotency_key: _Required = None) -> Scope:
    """The dependency of every POST that creates: `key: Annotated[Scope, Depends(idempotency)]`; without the header 400."""
    found = await optional_idempotency(request, idempotency_key)
    if found is None:
        raise _required()
    return found


async def unread_idempotency(request: Request, idempotency_key: _Required = None) -> Scope:
    """The same for a form, whose bytes differ each time it is sent: the route puts what counts of it in place of the
    empty body."""
    found = _scope(request, idempotency_key, b"")
    if found is None:
        raise _required()
    return found


async def optional_idempotency(request: Request, idempotency_key: _Welcome = None) -> Scope | None:
    """The same where the key is welcome but not required."""
    return _scope(request, idempotency_key, b"" if idempotency_key is None else await request.body())


def _scope(request: Request, idempotency_key: str | None, body: bytes) -> Scope | None:
    if idempotency_key is None:
        return None
    if not _FORM.fullmatch(idempotency_key):
        raise HttpError(400, "IDEMPOTENCY_KEY_INVALID")
    return authenticate(request).id, f"{request.method} {request.url.path}", idempotency_key, body


def _required() -> HttpError:
    return HttpError(400, "IDEMPOTENCY_KEY_REQUIRED")
