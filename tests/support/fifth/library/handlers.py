"""The library speaks the handling protocol that all services share."""

from __future__ import annotations

from shared.handling.assembly import handling_parts
from tests.support.fifth.library.domain import CardCancel, ReadingRoom
from tests.support.fifth.library.tables import HANDLING

PARTS = handling_parts("library", {p.matter: p for p in (CardCancel(), ReadingRoom())}, HANDLING)
HANDLERS = PARTS.handlers
LOCAL = PARTS.local
