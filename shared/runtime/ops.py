"""`/api/ops`: what stands aside, what is behind; for operators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from shared.bus.parking import DISCARDED, RETRY
from shared.http.auth import Principal, allow

Operator = Annotated[Principal, allow("operator")]
Reader = Annotated[Principal, allow("operator", "auditor", "supervisor")]


class Discard(BaseModel):
    """Why a parked message is given up."""

    reason: str = Field(min_length=4, max_length=500)


def ops_router(host: Any) -> APIRouter:
    """Operations over the services of this process."""
    router = APIRouter()

    @router.get("/parked")
    async def parked(who: Reader) -> dict[str, Any]:
        """Messages that stand aside, of every service here; never their content."""
        items = [{"service": name, **row} for name, s in host.services.items() for row in await s.parking.listing()]
        return {"items": items, "next": None}

    @router.post("/parked/{service}/{number}/retry")
    async def retry(service: str, number: int, who: Operator) -> dict[str, str]:
        """Takes a message, and all behind it of its key, up again."""
        return await _mark(host, service, number, RETRY, who, "retry")

    @router.post("/parked/{service}/{number}/discard")
    async def discard(service: str, number: int, body: Discard, who: Operator) -> dict[str, str]:
        """Gives a message up: the first operator proposes, a second one with a reason of his own carries it out."""
        found = _service(host, service)
        async with found.write(who.account) as conn:
            proposed = await found.parking.propose_discard(conn, number, who.account, body.reason)
        if proposed is None:
            raise HTTPException(404)
        if proposed == who.account:
            return {"state": "proposed"}
        return await _mark(host, service, number, DISCARDED, who, f"discard: {body.reason}")

    @router.get("/lag")
    async def lag(who: Reader) -> dict[str, Any]:
        """Records not yet handled, by group, topic and partition."""
        rows = await host.bus.lag()
        names = ("group", "topic", "partition", "position", "end", "records")
        return {"items": [{name: getattr(row, name) for name in names} for row in rows], "next": None}

    return router


def _service(host: Any, name: str) -> Any:
    if name not in host.services:
        raise HTTPException(404)
    return host.services[name]


async def _mark(host: Any, name: str, number: int, state: str, who: Principal, action: str) -> dict[str, str]:
    service = _service(host, name)
    if not await service.parking.mark(number, state):
        raise HTTPException(404)
    async with service.write(f"{who.account} {action}"):
        pass
    return {"state": state}
