"""Social assistance, assembled."""

from __future__ import annotations

from pathlib import Path

from services.assistance.api import router
from services.assistance.domain.rules import RULES
from services.assistance.handlers import HANDLERS, LOCAL, PARTS
from services.assistance.tables import DELIVERY, metadata
from shared.spec import ServiceSpec

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="assistance",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=PARTS.kinds,
    handlers=HANDLERS,
    local=LOCAL,
    router=router,
    policy=_HERE / "policy",
    migrations=_HERE / "migrations",
    stuck=PARTS.stuck,
    left=PARTS.left,
    workers=PARTS.workers,
    rules=RULES,
)
