"""Access as a value."""

from __future__ import annotations

from pathlib import Path

from services.access.api import admin, sign_in
from services.access.tables import DELIVERY, UNIT, metadata
from shared.runtime.spec import Keys, ServiceSpec

SERVICE = ServiceSpec(
    name="access",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(UNIT,),
    router=admin.router,
    further_routers={"/api/auth": sign_in.router},
    keys=Keys(index=True, sign=True),
    migrations=Path(__file__).parent / "migrations",
)
