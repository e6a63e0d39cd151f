"""Care for the old, assembled."""

from __future__ import annotations

from pathlib import Path

from services.elderly.api import router
from services.elderly.domain.rules import RULES
from services.elderly.handlers import HANDLERS, LOCAL, PARTS
from services.elderly.tables import DELIVERY, metadata
from shared.spec import ServiceSpec

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="elderly",
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
