"""Social assistance speaks the handling protocol that all services share, and nothing beside it."""

from __future__ import annotations

from services.assistance.domain.relieving import TemporaryProcedure
from services.assistance.domain.stopping import BenefitStopProcedure
from services.assistance.tables import HANDLING
from shared.handling.assembly import handling_parts
from shared.handling.procedure import Procedure

_PROCEDURES: tuple[Procedure, ...] = (BenefitStopProcedure(), TemporaryProcedure())
PARTS = handling_parts("assistance", {p.matter: p for p in _PROCEDURES}, HANDLING)
HANDLERS = PARTS.handlers
LOCAL = PARTS.local
