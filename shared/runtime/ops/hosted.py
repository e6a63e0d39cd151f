"""Who may call operations, and the service that a path names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends

from shared.http.auth import Principal, allow
from shared.http.paging import Paging, paging
from shared.http.refusals import HttpError

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

Operator = Annotated[Principal, allow("operator")]
Reader = Annotated[Principal, allow("operator", "auditor", "supervisor")]
Page = Annotated[Paging, Depends(paging)]


def hosted(host: Any, name: str) -> RunningService:
    """The service at work in this process; 404 with those that are, where another process, or none, runs it."""
    found: RunningService | None = host.services.get(name)
    if found is None:
        there = ", ".join(sorted(host.services))
        zh, en = f"这个进程不运行该服务,只运行 {there}", f"this process does not run that service, but {there}"
        raise HttpError(404, "NOT_FOUND", zh, en)
    return found


def after(page: Paging) -> int | None:
    """The number after which a page goes on, None at the beginning."""
    place = page.place(int)
    return None if place is None else place[0]
