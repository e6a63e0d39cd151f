"""The funeral service, assembled."""

from __future__ import annotations

from pathlib import Path

from services.funeral.api import router
from services.funeral.domain.fees import RULES
from services.funeral.handlers import HANDLERS, LOCAL, PARTS
from services.funeral.store import LOCAL_SOURCES
from services.funeral.tables import CREMATION, DELIVERY, metadata
from shared.spec import ServiceSpec

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="funeral",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(*PARTS.kinds, CREMATION),
    handlers=HANDLERS,
    local=LOCAL,
    router=router,
    policy=_HERE / "policy",
    migrations=_HERE / "migrations",
    stuck=PARTS.stuck,
    left=PARTS.left,
    workers=PARTS.workers,
    local_sources=LOCAL_SOURCES,
    rules=RULES,
)
