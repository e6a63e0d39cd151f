"""Intake as a value."""

from __future__ import annotations

from pathlib import Path

from services.intake.api import catalogue, files, router
from services.intake.domain.duties import row
from services.intake.domain.files import SCANNER, STORE
from services.intake.handlers import HANDLERS, LOCAL
from services.intake.store import hanging, vault
from services.intake.store.worker import messages, papers, seals
from services.intake.tables import APPLICATION, DELIVERY, DRAFT, FILE, TASK, metadata
from shared.handling.leaving import free_tasks
from shared.handling.recount import Recounter, recount_listed
from shared.spec import Keys, Route, ServiceSpec

SERVICE = ServiceSpec(
    name="intake",
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(APPLICATION, DRAFT, FILE),
    handlers={message: Route(APPLICATION.name, handler, by="case") for message, handler in HANDLERS.items()},
    local=LOCAL,
    local_sources={SCANNER: vault.rescan, STORE: vault.let_go},
    router=router,
    uploads=(files.UPLOADS,),
    further_routers={"/api/catalogue": catalogue.router},
    keys=Keys(all_services=True),
    stuck=hanging,
    policy=Path(__file__).parent / "policy",
    workers=(papers, seals, messages, vault.sweeper, Recounter(APPLICATION.name, TASK, recount_listed(TASK, row))),
    left=free_tasks(APPLICATION.name, TASK, row),
    migrations=Path(__file__).parent / "migrations",
)
