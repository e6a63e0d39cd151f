"""The id that ties one request to everything that follows from it."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Final

from shared.clock import new_id

HEADER: Final = "x-request-id"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str | None] = ContextVar("onewindow_correlation", default=None)


def correlation_id() -> str | None:
    """The id of the request being answered, for envelopes and logs; None outside of one."""
    return _current.get()


def begin(offered: str | None) -> str:
    """Starts a request under the caller's own id if it has the form of one, else under a new one."""
    chosen = offered if offered and _FORM.fullmatch(offered) else str(new_id())
    _current.set(chosen)
    return chosen
