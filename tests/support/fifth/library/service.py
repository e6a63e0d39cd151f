"""The library, assembled."""

from __future__ import annotations

from pathlib import Path

from shared.spec import ServiceSpec
from tests.support.fifth.library.api import router
from tests.support.fifth.library.handlers import HANDLERS, LOCAL, PARTS
from tests.support.fifth.library.store import LOCAL_SOURCES
from tests.support.fifth.library.tables import DELIVERY, metadata

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="library",
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
    local_sources=LOCAL_SOURCES,
)
