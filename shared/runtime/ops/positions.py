"""How far a service has read, and its position put back or forward by two people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shared.delivery.losses import SEEN
from shared.delivery.resets import Wish
from shared.http.refusals import HttpError
from shared.runtime.ops.hosted import Operator, Page, Reader, after, hosted

CARRIED_OUT_SECONDS = 6.0
"""How long an answer waits for the owner of the partition, which looks every two seconds."""

LAG = ("group", "topic", "partition", "position", "end", "records")


class Reset(BaseModel):
    """Where the position of a partition shall be: `to` is `beginning`, `end` or an offset; `skip` says that records
    may be passed over."""

    topic: str = Field(max_length=200)
    partition: int = Field(ge=0, le=2**31 - 1)
    to: str = Field(max_length=19)
    skip: bool = False
    reason: str = Field(min_length=4, max_length=500)


class LookedAfter(BaseModel):
    """What was done about the records that were lost."""

    reason: str = Field(min_length=4, max_length=500)


def add_positions(router: APIRouter, host: Any) -> None:
    """Adds the routes of positions."""

    @router.get("/{service}/lag")
    async def lag(service: str, who: Reader) -> dict[str, Any]:
        """Records this service has not yet handled, by topic and partition."""
        rows = await hosted(host, service).bus.lag(service)
        return {"items": [{name: getattr(row, name) for name in LAG} for row in rows], "next": None}

    @router.post("/{service}/positions/reset")
    async def reset_position(service: str, body: Reset, who: Operator) -> dict[str, Any]:
        """Asks for another position: the first operator proposes, a second one with the same wish has it carried out.

        The answer is `proposed`, `done` with `from` and `to`, `refused`, or `wanted` while no process that owns the
        partition has carried it out yet.
        """
        resets, wish = hosted(host, service).resets, Wish(body.topic, body.partition, body.to, body.skip)
        asked = await resets.ask(wish, who.account, body.reason)
        return await resets.ended(asked["number"], CARRIED_OUT_SECONDS)

    @router.post("/{service}/positions/resets/{number}/seen")
    async def look_after_loss(service: str, number: int, body: LookedAfter, who: Operator) -> dict[str, str]:
        """Says that somebody has looked after the cases of which records were lost; `/readyz` stops saying so."""
        if not await hosted(host, service).losses.look_after(number, who.account, body.reason):
            raise HttpError(404, "NOT_FOUND", f"没有第 {number} 号丢失记录", f"there is no loss {number}")
        return {"state": SEEN}

    @router.get("/{service}/positions/resets")
    async def list_resets(service: str, who: Reader, page: Page) -> dict[str, Any]:
        """Every reset asked for: what, who, why, and what became of it; and records that the bus let go unread (`lost`)."""
        rows = await hosted(host, service).resets.listing(after(page) or 0, page.fetch)
        return page.page(rows, lambda row: (row["number"],), lambda row: row)
