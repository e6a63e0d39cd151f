"""All of `/api/ops`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from shared.runtime.ops.audit import add_audit
from shared.runtime.ops.hosted import Page, Reader, after, hosted
from shared.runtime.ops.parked import add_parked
from shared.runtime.ops.positions import add_positions


def ops_router(host: Any) -> APIRouter:
    """Operations; a path names the service, so that a gateway can route it and every process answers for its own."""
    router = APIRouter()

    @router.get("")
    async def services(who: Reader) -> dict[str, Any]:
        """The services of the catalogue, and which of them this process runs."""
        entries = host.catalog.services.values()
        items = [{"service": e.name, "title": e.title, "here": e.name in host.services} for e in entries]
        return {"items": items, "next": None}

    add_parked(router, host)
    add_positions(router, host)
    add_audit(router, host)

    @router.get("/{service}/dead")
    async def dead_letters(service: str, who: Reader, page: Page) -> dict[str, Any]:
        """Records that were no event of ours: where they came from and why, never what is in them."""
        rows = await hosted(host, service).dead_letters.listing(after(page), page.fetch)
        return page.page(rows, lambda row: (row["number"],), lambda row: row)

    @router.get("/{service}/refused")
    async def refused(service: str, who: Reader, page: Page) -> dict[str, Any]:
        """Messages of a service that the bus did not take: where to, how large and why, never what is in them."""
        rows = await hosted(host, service).refused.listing(after(page) or 0, page.fetch)
        return page.page(rows, lambda row: (row["number"],), lambda row: row)

    @router.get("/{service}/stuck")
    async def stuck(service: str, who: Reader) -> dict[str, Any]:
        """Obligations of a service that nothing would ever move; none in rest."""
        return {"items": await hosted(host, service).stuck.look(), "next": None}

    return router
