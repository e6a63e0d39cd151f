"""The audit as auditors see it, and nobody else: its head, its verifying, its exports, which take two of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from shared.audit.chain import Head
from shared.audit.exports import Exports, Wanted
from shared.audit.heads import newest_head
from shared.audit.verify import Finding, Verifying
from shared.errors import FieldError, Invalid
from shared.http.auth import Principal, allow
from shared.http.refusals import HttpError
from shared.runtime.ops.hosted import Page, after, hosted

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

Auditor = Annotated[Principal, allow("auditor")]
LINES = "application/x-ndjson"
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Known(BaseModel):
    """Heads that an auditor kept outside, as `…/audit/head` told them."""

    heads: list[dict[str, Any]] = Field(default_factory=list, max_length=3000)


class Proposal(BaseModel):
    """Which rows shall be exported, by their numbers, and why."""

    first: Number
    last: Number
    reason: str = Field(min_length=4, max_length=500)


class Agreement(BaseModel):
    """Why the second person agrees."""

    reason: str = Field(min_length=4, max_length=500)


def add_audit(router: APIRouter, host: Any) -> None:
    """Adds the routes of the audit."""
    _add_verifying(router, host)
    _add_exports(router, host)


def _add_verifying(router: APIRouter, host: Any) -> None:
    @router.get("/{service}/audit/head")
    async def audit_head(service: str, who: Auditor) -> dict[str, Any]:
        """The head signed last: keep it outside, and hand it in at the next verifying."""
        head = await newest_head(hosted(host, service))
        if head is None:
            raise HttpError(404, "NO_HEAD")
        return head.shown()

    @router.post("/{service}/audit/verify", response_class=StreamingResponse)
    async def verify_audit(service: str, body: Known, who: Auditor) -> StreamingResponse:
        """Verifies the whole chain: a JSON line a finding, lines of progress, and `{"done": …}` at the end."""
        found = hosted(host, service)
        return StreamingResponse(_verified(found, _heads(body, service)), media_type=LINES)


def _add_exports(router: APIRouter, host: Any) -> None:
    @router.get("/{service}/audit/exports")
    async def list_exports(service: str, who: Auditor, page: Page) -> dict[str, Any]:
        """Every export proposed: which rows, by whom, why, and who agreed."""
        rows = await Exports(hosted(host, service)).listing(after(page) or 0, page.fetch)
        return page.page(rows, lambda row: (row["number"],), lambda row: row)

    @router.post("/{service}/audit/exports", status_code=201)
    async def propose_export(service: str, body: Proposal, who: Auditor) -> dict[str, Any]:
        """Proposes an export; another auditor must agree before anything leaves."""
        return await Exports(hosted(host, service)).propose(Wanted(body.first, body.last), who, body.reason)

    @router.post("/{service}/audit/exports/{number}/agree")
    async def agree_export(service: str, number: int, body: Agreement, who: Auditor) -> dict[str, Any]:
        """The second auditor agrees."""
        found = await Exports(hosted(host, service)).agree(number, who, body.reason)
        if found is None:
            raise _no_such(number)
        return found

    @router.get("/{service}/audit/exports/{number}/rows", response_class=StreamingResponse)
    async def fetch_export(service: str, number: int, who: Auditor) -> StreamingResponse:
        """The rows as JSON lines, each with its digest, for either of the two auditors, within a day; recorded."""
        lines = await Exports(hosted(host, service)).fetch(number, who)
        if lines is None:
            raise _no_such(number)
        return StreamingResponse(lines, media_type=LINES)


def _heads(body: Known, service: str) -> list[Head]:
    try:
        heads = [Head.told(shown) for shown in body.heads]
    except (KeyError, TypeError, ValueError):
        message = "应为 audit/head 给出的链头 / must be heads as audit/head told them"
        raise Invalid([FieldError("/heads", "FORMAT", message)]) from None
    return [head for head in heads if head.service == service]


async def _verified(service: RunningService, known: list[Head]) -> AsyncIterator[bytes]:
    verifying, wrong = Verifying(service, known), 0
    async for told in verifying.run():
        if isinstance(told, Finding):
            wrong += 1
            yield _line(told.shown())
        else:
            yield _line({"batches": told.batches, "of": told.of, "rows": told.rows})
    yield _line({"done": True, "findings": wrong, "batches": verifying.batches, "rows": verifying.rows})


def _line(told: dict[str, Any]) -> bytes:
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _no_such(number: int) -> HttpError:
    return HttpError(404, "NOT_FOUND", f"没有第 {number} 次导出", f"there is no export {number}")
