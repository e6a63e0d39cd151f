"""The marriage service, assembled."""

from __future__ import annotations

from pathlib import Path

from services.marriage.api import router
from services.marriage.handlers import HANDLERS, LOCAL, PARTS
from services.marriage.tables import DELIVERY, metadata
from shared.spec import ServiceSpec

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="marriage",
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
)
