"""The marriage service speaks the handling protocol that all services share, and nothing beside it."""

from __future__ import annotations

from services.marriage.domain import RecordAnnotation
from services.marriage.tables import HANDLING
from shared.handling.assembly import handling_parts

_ANNOTATION = RecordAnnotation()
PARTS = handling_parts("marriage", {_ANNOTATION.matter: _ANNOTATION}, HANDLING)
HANDLERS = PARTS.handlers
LOCAL = PARTS.local
