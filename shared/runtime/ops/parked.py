"""Messages that stand aside: listed, shown, taken up again, given up by two people; never their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shared.delivery.parking import DISCARDED, RETRY
from shared.http.refusals import HttpError
from shared.runtime.ops.hosted import Operator, Page, Reader, after, hosted

if TYPE_CHECKING:
    from shared.delivery.service import RunningService


class Discard(BaseModel):
    """Why a parked message is given up."""

    reason: str = Field(min_length=4, max_length=500)


def add_parked(router: APIRouter, host: Any) -> None:
    """Adds the routes of parked messages."""

    @router.get("/{service}/parked")
    async def list_parked(service: str, who: Reader, page: Page) -> dict[str, Any]:
        """Messages of a service that stand aside, the oldest first."""
        rows = await hosted(host, service).parking.listing(after(page) or 0, page.fetch)
        return page.page(rows, lambda row: (row["seq"],), lambda row: row)

    @router.get("/{service}/parked/{number}")
    async def get_parked(service: str, number: int, who: Reader) -> dict[str, Any]:
        """All of one but what is in it."""
        found = await hosted(host, service).parking.one(number)
        if found is None:
            raise _no_such(service, number)
        return found

    @router.post("/{service}/parked/{number}/retry")
    async def retry_parked(service: str, number: int, who: Operator) -> dict[str, str]:
        """Takes a message, and all behind it of its key, up again."""
        return await _mark(hosted(host, service), number, RETRY, who.account, {})

    @router.post("/{service}/parked/{number}/discard")
    async def discard_parked(service: str, number: int, body: Discard, who: Operator) -> dict[str, str]:
        """Gives a message up: the first operator proposes, a second one with a reason of his own carries it out."""
        found, said = hosted(host, service), {"number": number, "reason": body.reason}
        async with found.write(who.account, "discard asked for", said) as conn:
            proposed = await found.parking.propose_discard(conn, number, who.account, body.reason)
            if proposed is None:
                raise _no_such(service, number)
        if proposed == who.account:
            return {"state": "proposed"}
        return await _mark(found, number, DISCARDED, who.account, {"reason": body.reason})


async def _mark(service: RunningService, number: int, state: str, who: str, said: dict[str, str]) -> dict[str, str]:
    async with service.write(who, f"parked {state}", {"number": number, **said}) as conn:
        if not await service.parking.mark(number, state, conn):
            raise _no_such(service.spec.name, number)
    return {"state": state}


def _no_such(service: str, number: int) -> HttpError:
    return HttpError(404, "NOT_FOUND", f"{service} 没有停放第 {number} 条", f"{service} has no parked message {number}")
