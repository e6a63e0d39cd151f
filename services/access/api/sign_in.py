"""`/api/auth`: tokens for a name and its secret, the public keys, and who I am."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from weakref import WeakValueDictionary

from fastapi import APIRouter, Form, Request, Response

from services.access.api.shapes import KeysShown, MeShown, TokenShown
from services.access.domain import Refusal, refuse_sign_in, roles_on
from services.access.store import accounts, relatives
from services.access.store.secrets import Secrets
from shared.clock import SystemClock, beijing_date
from shared.errors import FieldError, Invalid
from shared.http import tokens
from shared.http.auth import Principal, RoleInUnit, anyone, public
from shared.http.documented import answers
from shared.http.limiter import RateLimiter
from shared.http.refusals import HttpError, extended, too_many, unauthenticated
from shared.runtime.spec import ServiceHandle

Name = Annotated[str | None, Form(max_length=100)]
Secret = Annotated[str | None, Form(max_length=200)]


def router(handle: ServiceHandle) -> APIRouter:
    """The routes of signing in."""
    door = Door(handle)
    routes = APIRouter()

    @routes.post("/token", dependencies=[public()], **answers(TokenShown))
    async def token(
        request: Request,
        response: Response,
        grant_type: Annotated[Literal["password", "client_credentials"], Form()],
        username: Name = None,
        password: Secret = None,
        client_id: Name = None,
        client_secret: Secret = None,
    ) -> dict[str, Any]:
        """A bearer token for fifteen minutes: `password` for people, `client_credentials` for departments."""
        if grant_type == "password":
            name, secret = _given(username=username, password=password)
        else:
            name, secret = _given(client_id=client_id, client_secret=client_secret)
        response.headers["pragma"] = "no-cache"
        return await door.enter(grant_type, name, secret, request.client.host if request.client else "")

    @routes.get("/jwks", dependencies=[public()], **answers(KeysShown))
    async def jwks(response: Response) -> dict[str, Any]:
        """The public keys that verify our tokens (RFC 7517)."""
        response.headers["cache-control"] = "public, max-age=300"
        return tokens.Verifier.of(handle.keyring).jwks()

    @routes.get("/me", **answers(MeShown))
    async def me(who: Annotated[Principal, anyone()]) -> dict[str, Any]:
        """Who I am, and in which roles and units, as my token says."""
        roles = [{"role": r.role, "unit": r.unit or None, "region": r.region or None} for r in who.roles]
        return {"account": who.account, "name": who.name, "kind": who.kind, "roles": roles, "scopes": list(who.scopes)}

    return routes


def _given(**fields: str | None) -> list[str]:
    """The fields that this grant needs; `Invalid` names those that are missing."""
    missing = [FieldError(f"/{name}", "REQUIRED", "必填 / required") for name, value in fields.items() if not value]
    if missing:
        raise Invalid(missing)
    return [value for value in fields.values() if value]


class Door:
    """Lets people in by name and secret, and keeps count of who fails.

    The count is kept by the machine's time: under a virtual clock that stands still nobody would be let in again.
    """

    def __init__(self, handle: ServiceHandle) -> None:
        self._handle = handle
        self._clock = SystemClock()
        self._secrets = Secrets()
        # A whole hall may share one address; guessing at one name is slowed by that name's own count.
        self._from_address = RateLimiter(300, 60)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def enter(self, grant: str, name: str, secret: str, address: str) -> dict[str, Any]:
        """The answer of RFC 6749, 5.1; raises 401 for a wrong name or secret alike, 429 after too many."""
        self._from_address.check(address)
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:  # one try a name at a time: those sent together would all be let pass before one is counted
            return await self._try(grant, name, secret)

    async def _try(self, grant: str, name: str, secret: str) -> dict[str, Any]:
        async with self._handle.read() as conn:
            wait = await accounts.wait(conn, name, self._clock.now())
            found = None if wait else await accounts.find(conn, name)
        if wait:
            raise too_many(wait.total_seconds())
        fits = await self._secrets.fits(secret, found.secret if found else None)
        kind = found.kind if found else None
        why = refuse_sign_in(kind, grant, disabled=bool(found and self._closed(found)), secret_fits=fits)
        if found is None or why is not None:
            await self._refused(name, found, why or "unknown")
            raise _not_let_in()
        return await self._let_in(found)

    def _closed(self, found: accounts.Account) -> bool:
        """Disabled, or made for a demonstration that this platform is not any more."""
        stale = accounts.DEMONSTRATION in found.scopes and not self._handle.settings.demo
        return stale or found.disabled_at is not None

    async def _refused(self, name: str, found: accounts.Account | None, why: Refusal) -> None:
        actor = found.account if found else "unknown"
        async with self._handle.write(actor) as conn:
            await accounts.count_failure(conn, name, self._clock.now())
            identity = str(found.id) if found else ""
            await accounts.audit(conn, self._handle.clock.now(), actor, "SignInRefused", identity, reason=why)

    async def _let_in(self, found: accounts.Account) -> dict[str, Any]:
        now = self._handle.clock.now()
        async with self._handle.write(found.account) as conn:
            assignments = await accounts.assignments(conn, found.account)
            units = await accounts.units_of(conn, assignments)
            kin = await relatives.kin_of(conn, found.account) if found.kind == "staff" else frozenset()
            await accounts.clear_failures(conn, found.account)
            await accounts.audit(conn, now, found.account, "SignedIn", str(found.id))
        held = roles_on(found.account, assignments, units, beijing_date(now))
        roles = tuple(RoleInUnit(*role) for role in held)
        scopes = tuple(scope for scope in found.scopes if scope != accounts.DEMONSTRATION)
        who = Principal(found.account, found.name, found.kind, roles, scopes, found.person_ref, kin)
        kid, key = self._handle.keyring.signing_key
        return {
            "access_token": tokens.issue(who, kid, key, self._clock.now()),
            "token_type": "bearer",
            "expires_in": int(tokens.LIFETIME.total_seconds()),
            "scope": " ".join(scopes),
        }


def _not_let_in() -> HttpError:
    refusal = unauthenticated("INVALID_CREDENTIALS")
    refusal.detail_zh, refusal.detail_en = "账号或密码不正确", "the account or its secret is wrong"
    return extended(refusal, error="invalid_grant")
