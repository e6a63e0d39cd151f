"""The id of a request: in its answer's header, and on every line that is logged while it is answered."""

from __future__ import annotations

import re
from typing import Final

from shared.clock import new_id

HEADER: Final = "x-request-id"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


def id_of(offered: str | None) -> str:
    """The caller's own id if it has the form of one, else a new one."""
    return offered if offered and _FORM.fullmatch(offered) else str(new_id())
