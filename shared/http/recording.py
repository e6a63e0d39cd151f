"""Refusals that are written down: who wanted what, and by which rule they were refused; never what they typed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from shared.application_no import check_application_no
from shared.errors import Conflict, FieldError, Invalid, OneWindowError, RefusedError, Transient
from shared.http.auth import authenticate
from shared.http.refusals import HttpError

if TYPE_CHECKING:
    from shared.spec import ServiceHandle

REFUSED: Final = "refused"
_MOST: Final = 20


def recorded(handle: ServiceHandle) -> Any:
    """What every route that changes something depends on: `dependencies=[recorded(handle)]`. The row names the route's
    function, and the ids in its path. A body of the wrong shape, which no route sees, is a refusal too."""
    return Depends(_Recording(handle))


class _Recording:
    """The dependency; found again at its route by `record_misshapen`."""

    def __init__(self, handle: ServiceHandle) -> None:
        self._handle = handle

    async def __call__(self, request: Request) -> AsyncIterator[None]:
        async with self.at(request):
            yield

    def at(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Records what is refused inside as one of this request."""
        who, route = authenticate(request), request.scope["route"]
        about = {name: value for name, value in request.path_params.items() if _is_id(value)}
        return refusals_recorded(self._handle, who.account, route.name, **about)


async def record_misshapen(request: Request, errors: Iterable[FieldError]) -> None:
    """Leaves the row of a body that the framework refused, where its route records refusals; never what was in it."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    for dependency in dependant.dependencies if dependant else ():
        if isinstance(dependency.call, _Recording):
            with contextlib.suppress(Invalid):
                async with dependency.call.at(request):
                    raise Invalid(errors)
            return


def _is_id(value: str) -> bool:
    """Whether it can be an id or a number that we gave out: an address may hold whatever somebody typed."""
    with contextlib.suppress(ValueError):
        return bool(UUID(value))
    return check_application_no(value)


@asynccontextmanager
async def refusals_recorded(handle: ServiceHandle, actor: str, action: str, **about: str) -> AsyncIterator[None]:
    """Leaves an audit row when what is done inside is refused; `about` holds ids alone.

    A transaction of its own: what was refused wrote nothing. Who shall only come back later is refused nothing.
    """
    try:
        yield
    except (Conflict, RefusedError, Invalid, HttpError) as refusal:
        if isinstance(refusal, HttpError) and refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise
        detail = {"action": action, "code": refusal.code, **_fields(refusal), **about}
        with contextlib.suppress(Transient):  # who is refused is told so, also while nothing can be written
            async with handle.write(actor, REFUSED, detail):
                pass
        raise


def _fields(refusal: OneWindowError) -> dict[str, Any]:
    """The codes of the wrong fields; their pointers may hold a name that somebody typed."""
    codes = sorted({field.code for field in refusal.errors}) if isinstance(refusal, Invalid) else []
    return {"fields": codes[:_MOST]} if codes else {}
