"""The one FastAPI application of a process: every service's routes, health, metrics; every route guarded."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI

from shared.errors import Misconfigured
from shared.http.app import ROUND_A_FILE, install
from shared.http.auth import check_guards, public_paths
from shared.http.described import complete
from shared.http.duties import check_duties
from shared.http.outside import PATH, Exchange
from shared.http.tokens import Verifier
from shared.runtime.health import health_router
from shared.runtime.ops.router import ops_router

if TYPE_CHECKING:
    from shared.catalog.registry import Catalog
    from shared.config import Settings
    from shared.runtime.host import Host
    from shared.spec import ServiceSpec


def build_app(host: Host) -> FastAPI:
    """The application; it refuses to be built when a route has no guard."""
    app = _bare()
    verifier = Verifier.of(host.keyring, ended=host.ended)
    install(app, verifier, larger=dict(_uploads(host)))
    for service in host.services.values():
        _include(app, service.spec, service)
    if host.demonstration is not None:
        app.include_router(host.demonstration.router(host), prefix="/api/dev", tags=["dev"])
    app.include_router(ops_router(host), prefix="/api/ops", tags=["ops"])
    app.include_router(health_router(host), tags=["health"])
    check_guards(app)
    check_duties(app)
    app.state.exchange = _exchange(app, host.settings, verifier)
    if len(host.services) < len(host.catalog.services):
        # Behind the gateway any process may be asked what the whole looks like.
        app.openapi = cache(lambda: describe(host.catalog))  # type: ignore[method-assign]
    return app


def _uploads(host: Host) -> Iterator[tuple[str, int]]:
    """The paths whose bodies may be as large as a file, with the bytes allowed."""
    for spec in host.specs:
        for path in spec.uploads:
            yield f"{spec.prefix or f'/api/{spec.name}'}{path}", host.settings.file_bytes + ROUND_A_FILE


def _exchange(app: FastAPI, settings: Settings, verifier: Verifier) -> Exchange | None:
    """Where tokens of the outside issuer are exchanged: in this process, or where the settings say."""
    if settings.oidc_issuer is None:
        return None
    if PATH in public_paths(app):
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")
    elif settings.auth_url is not None:
        client = httpx.AsyncClient(base_url=settings.auth_url, timeout=5, trust_env=False)
    else:
        raise Misconfigured(
            "ONEWINDOW_AUTH_URL",
            "本进程不运行 access,设置了 OIDC_ISSUER 时须写明它的地址",
            "this process does not host access: with OIDC_ISSUER it must know where that answers",
        )
    return Exchange(settings.oidc_issuer, client, verifier.holds)


def _bare() -> FastAPI:
    app = FastAPI(
        title="OneWindow 一窗通",
        version="0.1.0",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
    )
    framework = app.openapi
    app.openapi = cache(lambda: complete(framework()))  # type: ignore[method-assign]
    return app


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
    app.include_router(health_router(None), tags=["health"])
    return app.openapi()


class _Described:
    """Stands in for a running service while its routes are only described."""

    def __init__(self, spec: ServiceSpec, catalog: Catalog) -> None:
        self.spec, self.catalog = spec, catalog
