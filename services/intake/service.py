"""Intake as a value."""

from __future__ import annotations

from pathlib import Path

from services.intake.api import catalogue, router
from services.intake.handlers import HANDLERS, LOCAL
from services.intake.store import hanging
from services.intake.store.worker import papers
from services.intake.tables import APPLICATION, DELIVERY, DRAFT, metadata
from shared.runtime.spec import Keys, Route, ServiceSpec

SERVICE = ServiceSpec(
    name="intake",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(APPLICATION, DRAFT),
    handlers={message: Route(APPLICATION.name, handler, by="case") for message, handler in HANDLERS.items()},
    local=LOCAL,
    router=router,
    further_routers={"/api/catalogue": catalogue.router},
    keys=Keys(all_services=True),
    stuck=hanging,
    policy=Path(__file__).parent / "policy",
    workers=(papers,),
    migrations=Path(__file__).parent / "migrations",
)
