"""Guards: who may call a route. Every route names one, or the start stops.

Use `who: Annotated[Principal, allow("clerk", "handler")]`, `who: Annotated[Principal, anyone()]`, or, for a route that
is open, `dependencies=[public()]`.
"""

# Annotations stay values here: FastAPI reads those of a callable object, which has no module globals of its own.
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import Depends, FastAPI, Request, params
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.errors import Misconfigured
from shared.http.principal import ROLES, Principal, RoleInUnit
from shared.http.refusals import forbidden, unauthenticated
from shared.http.tokens import TokenRefused, Verifier
from shared.metrics import METRICS

__all__ = [
    "Guard",
    "Principal",
    "RoleInUnit",
    "Verifier",
    "allow",
    "anyone",
    "authenticate",
    "check_guards",
    "enforce",
    "public",
    "public_paths",
    "roles_of",
]

_security = structlog.get_logger("security")

OPEN: Final = frozenset({"/", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/healthz", "/readyz", "/metrics"})
"""Paths outside the services that need no guard."""

# Declares the scheme in OpenAPI and hands over nothing: the guard reads the header itself, so that it can also be
# asked before the body is looked at.
_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")


@dataclass(frozen=True)
class _Door:
    """Lets in whoever holds one of `roles` (empty: anyone signed in)."""

    roles: frozenset[str] = frozenset()

    async def __call__(self, request: Request, _: HTTPAuthorizationCredentials | None = Depends(_BEARER)) -> Principal:
        return self.admit(request)

    def admit(self, request: Request) -> Principal:
        """The principal; raises 401, then 403."""
        principal = authenticate(request)
        if self.roles and not principal.has(*self.roles):
            raise forbidden()
        return principal


@dataclass(frozen=True)
class _OpenDoor:
    """Lets everybody in and proves nothing."""

    async def __call__(self) -> None:
        return None

    def admit(self, request: Request) -> None:
        """Nobody is asked."""


class Guard(params.Depends):
    """A door as a dependency: it stands in `Annotated[Principal, …]` and in `dependencies=[…]` as it is."""

    def __init__(self, door: _Door | _OpenDoor) -> None:
        super().__init__(dependency=door)
        object.__setattr__(self, "door", door)

    door: _Door | _OpenDoor

    async def __call__(self, request: Request, _: HTTPAuthorizationCredentials | None = Depends(_BEARER)) -> Any:
        """The same behind FastAPI's own `Depends(allow(…))`."""
        return self.door.admit(request)


def allow(*roles: str) -> Guard:
    """A guard for these roles; one that does not exist is `Misconfigured`, for nobody could ever come in."""
    if not roles or not ROLES.issuperset(roles):
        raise Misconfigured("allow()", f"没有这样的岗位:{roles}", f"there is no such role: {roles}")
    return Guard(_Door(frozenset(roles)))


def anyone() -> Guard:
    """A guard for whoever is signed in."""
    return Guard(_Door())


def public() -> Guard:
    """The mark of a route that needs no token."""
    return Guard(_OpenDoor())


def authenticate(request: Request) -> Principal:
    """Who sent this request, verified once; raises 401."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        verifier: Verifier = request.app.state.verifier
        token = getattr(request.state, "exchanged", None) or _bearer(request)
        try:
            known = request.state.principal = verifier.verify(token)
        except TokenRefused as refused:
            _record(request, refused.fault)
            raise
    return known


_QUIET: Final = ("expired", "ended")
"""Faults of a token that was good: nobody tried anything."""


def _record(request: Request, fault: str) -> None:
    """One line of the security log and one count a request; of the token nothing is told."""
    if getattr(request.state, "recorded", False):
        return  # guards are asked again when the refusal is rendered
    request.state.recorded = True
    METRICS.tokens_refused.labels(fault).inc()
    route = getattr(request.scope.get("route"), "path", None)
    tell = _security.info if fault in _QUIET else _security.warning
    tell("token_refused", reason=fault, method=request.method, route=route)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated()
    return token.strip()


def enforce(request: Request) -> None:
    """Asks the guards of the route that was matched, so that 401 and 403 come before any other refusal."""
    doors: dict[int, tuple[_Door | _OpenDoor, ...]] = getattr(request.app.state, "doors", {})
    for door in doors.get(id(request.scope.get("route")), ()):
        door.admit(request)


def check_guards(app: FastAPI) -> None:
    """Stops the start (`Misconfigured`) naming every route without a guard; remembers the doors for `enforce`."""
    found: dict[int, tuple[_Door | _OpenDoor, ...]] = {}
    naked: list[str] = []
    for context in iter_route_contexts(app.routes):
        doors = tuple(_doors(getattr(context, "dependant", None)))
        path = context.path or str(context.original_route)
        if not doors and path not in OPEN:
            naked.append(f"{'/'.join(sorted(context.methods or ()))} {path}")
        key = id(context.original_route)
        found[key] = (*found.get(key, ()), *doors)
    if naked:
        named = "; ".join(naked)
        raise Misconfigured("routes", f"这些路由没有守卫:{named}", f"these routes have no guard: {named}")
    app.state.doors = found


def roles_of(context: Any) -> frozenset[str]:
    """The roles that a route lets in by name; none where it is open, or for whoever is signed in."""
    doors = [d for d in _doors(getattr(context, "dependant", None)) if isinstance(d, _Door) and d.roles]
    return frozenset.intersection(*(d.roles for d in doors)) if doors else frozenset()


def public_paths(app: FastAPI) -> frozenset[str]:
    """The paths of all routes that say they are open."""
    return frozenset(
        context.path or ""
        for context in iter_route_contexts(app.routes)
        if any(isinstance(door, _OpenDoor) for door in _doors(getattr(context, "dependant", None)))
    )


def _doors(dependant: Any) -> Iterator[_Door | _OpenDoor]:
    """The doors that a route's dependencies hold, however deep."""
    if dependant is None:
        return
    if isinstance(dependant.call, Guard):
        yield dependant.call.door
    elif isinstance(dependant.call, _Door | _OpenDoor):
        yield dependant.call
    for below in dependant.dependencies:
        yield from _doors(below)
