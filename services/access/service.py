"""Access as a value."""

from __future__ import annotations

from pathlib import Path

from services.access.api import admin, sign_in
from services.access.api.issuer import oidc_keys
from services.access.tables import DELIVERY, SESSIONS, UNIT, metadata
from shared.spec import Keys, ServiceSpec

_HERE = Path(__file__).parent

SERVICE = ServiceSpec(
    name="access",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(UNIT, SESSIONS),
    router=admin.router,
    further_routers={"/api/auth": sign_in.router},
    keys=Keys(index=True, sign=True),
    workers=(oidc_keys,),
    policy=_HERE / "policy",
    migrations=_HERE / "migrations",
)
