"""The one FastAPI application of a process: every service's routes, health, metrics; every route guarded."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import generate_latest

from shared.errors import Transient
from shared.http.app import install
from shared.http.auth import check_guards, public
from shared.http.tokens import Verifier
from shared.metrics import METRICS
from shared.runtime.ops import ops_router

if TYPE_CHECKING:
    from shared.catalog.registry import Catalog
    from shared.db.engine import Database
    from shared.runtime.host import Host
    from shared.runtime.spec import ServiceSpec


def build_app(host: Host) -> FastAPI:
    """The application; it refuses to be built when a route has no guard."""
    app = _bare()
    install(app, Verifier.of(host.keyring))
    for service in host.services.values():
        _include(app, service.spec, service)
    if host.demonstration is not None:
        app.include_router(host.demonstration.router(host), prefix="/api/dev", tags=["dev"])
    app.include_router(ops_router(host), prefix="/api/ops", tags=["ops"])
    app.include_router(_health(host), tags=["health"])
    check_guards(app)
    if len(host.services) < len(host.catalog.services):
        # Behind the gateway any process may be asked what the whole looks like.
        app.openapi = lambda: describe(host.catalog)  # type: ignore[method-assign]
    return app


def _bare() -> FastAPI:
    return FastAPI(
        title="OneWindow 一窗通",
        version="0.1.0",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
    )


def _include(app: FastAPI, spec: ServiceSpec, handle: Any) -> None:
    if spec.router is not None:
        app.include_router(spec.router(handle), prefix=spec.prefix or f"/api/{spec.name}", tags=[spec.name])
    for prefix, router in spec.further_routers.items():
        app.include_router(router(handle), prefix=prefix, tags=[spec.name])


def describe(catalog: Catalog) -> dict[str, Any]:
    """The OpenAPI document of all services, made without a database or a key."""
    app = _bare()
    for name in sorted(catalog.services):
        spec = importlib.import_module(catalog.services[name].spec_module).SERVICE
        _include(app, spec, _Described(spec, catalog))
    app.include_router(ops_router(None), prefix="/api/ops", tags=["ops"])
    app.include_router(_health(None), tags=["health"])
    return app.openapi()


class _Described:
    """Stands in for a running service while its routes are only described."""

    def __init__(self, spec: ServiceSpec, catalog: Catalog) -> None:
        self.spec, self.catalog = spec, catalog


async def _database(db: Database) -> str:
    try:
        async with db.connection(timeout=1.0) as conn:
            await conn.execute("SELECT 1")
    except Transient as cause:
        return f"database: {cause.detail_en}"
    return "ready"


def _health(host: Any) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz", dependencies=[public()])
    async def healthz() -> dict[str, str]:
        """Answers while the process runs."""
        return {"status": "ok"}

    @router.get("/readyz", dependencies=[public()])
    async def readyz() -> Response:
        """200 when every service of this process can work; 503 names those that cannot, and why."""
        services = await _readiness(host)
        ok = host.ready and all(state == "ready" for state in services.values())
        body = {"status": "ready" if ok else "not_ready", "services": services}
        return JSONResponse(body, status_code=200 if ok else 503, headers={} if ok else {"Retry-After": "2"})

    @router.get("/metrics", dependencies=[public()], include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Prometheus metrics, told to this machine only."""
        if request.client is not None and request.client.host not in {"127.0.0.1", "::1"}:
            return Response(status_code=404)
        return Response(generate_latest(METRICS.registry), media_type="text/plain; version=0.0.4")

    return router


async def _readiness(host: Host) -> dict[str, Any]:
    found = {name: await _database(service.db) for name, service in host.services.items()}
    for worker, reason in host.supervisor.failed.items():
        found[worker.partition(".")[0]] = f"{worker}: {reason}"
    return found
