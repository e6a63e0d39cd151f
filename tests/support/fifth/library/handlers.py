"""The library speaks the handling protocol that all services share."""

from __future__ import annotations

from shared.handling.assembly import handling_parts
from tests.support.fifth.library.domain import CardCancel
from tests.support.fifth.library.tables import HANDLING

_CANCEL = CardCancel()
PARTS = handling_parts("library", {_CANCEL.matter: _CANCEL}, HANDLING)
HANDLERS = PARTS.handlers
LOCAL = PARTS.local
