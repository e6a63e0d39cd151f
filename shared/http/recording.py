"""Refusals that are written down: who wanted what, and by which rule they were refused; never what they typed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from shared.errors import Conflict, Invalid, OneWindowError, RefusedError, Transient
from shared.http.refusals import HttpError

if TYPE_CHECKING:
    from shared.runtime.spec import ServiceHandle

REFUSED: Final = "refused"
_MOST: Final = 20


@asynccontextmanager
async def refusals_recorded(handle: ServiceHandle, actor: str, action: str, **about: str) -> AsyncIterator[None]:
    """Leaves an audit row when what is done inside is refused; `about` holds ids alone.

    A transaction of its own: what was refused wrote nothing.
    """
    try:
        yield
    except (Conflict, RefusedError, Invalid, HttpError) as refusal:
        detail = {"action": action, "code": refusal.code, **_fields(refusal), **about}
        with contextlib.suppress(Transient):  # who is refused is told so, also while nothing can be written
            async with handle.write(actor, REFUSED, detail):
                pass
        raise


def _fields(refusal: OneWindowError) -> dict[str, Any]:
    """The codes of the wrong fields; their pointers may hold a name that somebody typed."""
    codes = sorted({field.code for field in refusal.errors}) if isinstance(refusal, Invalid) else []
    return {"fields": codes[:_MOST]} if codes else {}
