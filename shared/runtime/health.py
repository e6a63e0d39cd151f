"""Health and figures of a process: alive, ready by service, metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import generate_latest

from shared.errors import Transient
from shared.http.auth import public
from shared.metrics import METRICS
from shared.runtime.ops.hosted import hosted

if TYPE_CHECKING:
    from shared.runtime.host import Host

READY, DEGRADED = "ready", "degraded"
RETRY = {"Retry-After": "2"}


def health_router(host: Any) -> APIRouter:
    """The routes that need no token; `/metrics` is told to this machine only."""
    router = APIRouter()

    @router.get("/healthz", dependencies=[public()])
    async def healthz() -> dict[str, str]:
        """Answers while the process runs."""
        return {"status": "ok"}

    @router.get("/readyz", dependencies=[public()])
    async def readyz() -> Response:
        """200 when every service of this process can work; 503 names those that cannot, and why.

        `degraded` can work: applications are taken in while the bus is away, and wait in the outbox.
        """
        states = await states_of(host)
        ready = host.ready and all(map(_can_work, states.values()))
        degraded = any(state != READY for state in states.values())
        status = (DEGRADED if degraded else READY) if ready else "not_ready"
        return JSONResponse({"status": status, "services": states}, 200 if ready else 503, {} if ready else RETRY)

    @router.get("/readyz/{service}", dependencies=[public()])
    async def readyz_of(service: str) -> Response:
        """The same of one service, for a gateway's health check; 404 where it does not run."""
        hosted(host, service)
        state = (await states_of(host))[service]
        ready = host.ready and _can_work(state)
        return JSONResponse({"status": state}, 200 if ready else 503, {} if ready else RETRY)

    @router.get("/metrics", dependencies=[public()], include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Prometheus metrics, told to this machine only."""
        if request.client is not None and request.client.host not in {"127.0.0.1", "::1"}:
            return Response(status_code=404)
        return Response(generate_latest(METRICS.registry), media_type="text/plain; version=0.0.4")

    return router


async def states_of(host: Host) -> dict[str, str]:
    """Each service's state: `ready`, `degraded: …`, or why it cannot work; a worker of no service stands by its name."""
    databases = list({service.db for service in host.services.values()})
    faults = dict(zip(databases, await asyncio.gather(*map(_database, databases)), strict=True))
    found = {name: faults[service.db] or _limits(service) for name, service in host.services.items()}
    for worker, reason in host.supervisor.failed.items():
        found[worker.partition(".")[0]] = f"{worker}: {reason}"
    return found


async def _database(database: Any) -> str:
    """Why a database cannot be used, nothing when it can."""
    try:
        async with database.connection(timeout=1.0) as conn:
            await conn.execute("SELECT 1")
    except Transient as cause:
        return f"database: {cause.detail_en}"
    return ""


def _limits(service: Any) -> str:
    away = service.figures.bus_away
    said = [f"the bus has not answered for {away:.0f} s"] if away else []
    said += filter(
        None,
        [service.newer.note(service.parking), service.refused.note(), service.losses.note(), *service.notes.values()],
    )
    return f"{DEGRADED}: {'; '.join(said)}" if said else READY


def _can_work(state: str) -> bool:
    return state == READY or state.startswith(f"{DEGRADED}:")
