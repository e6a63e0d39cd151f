"""Care for the old speaks the handling protocol that all services share, and nothing beside it."""

from __future__ import annotations

from services.elderly.domain.granting import AgeAllowanceProcedure
from services.elderly.domain.stopping import BenefitStopProcedure
from services.elderly.tables import HANDLING
from shared.handling.assembly import handling_parts
from shared.handling.procedure import Procedure

_PROCEDURES: tuple[Procedure, ...] = (BenefitStopProcedure(), AgeAllowanceProcedure())
PARTS = handling_parts("elderly", {p.matter: p for p in _PROCEDURES}, HANDLING)
HANDLERS = PARTS.handlers
LOCAL = PARTS.local
