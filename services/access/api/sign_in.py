"""`/api/auth`: tokens for a secret or an outside issuer's token, sessions, the public keys, and who I am."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.access.api.door import Door
from services.access.api.shapes import EndedShown, KeysShown, MeShown, TokenShown
from shared.errors import FieldError, Invalid
from shared.http import tokens
from shared.http.auth import Principal, anyone, public
from shared.http.documented import answers
from shared.spec import ServiceHandle

Name = Annotated[str | None, Form(max_length=100)]
Secret = Annotated[str | None, Form(max_length=200)]
REFUSED = "账号或密码不正确,或令牌不被承认 / the secret is wrong, or the token is not recognised"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class SignOut(BaseModel):
    """What ends: this session, or all of the account's (`everywhere`)."""

    model_config = ConfigDict(extra="forbid")

    everywhere: bool = False


class NewPassword(BaseModel):
    """The present secret and the one that takes its place."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    old: str = Field(max_length=200)
    new: str = Field(min_length=10, max_length=200)


def router(handle: ServiceHandle) -> APIRouter:
    """The routes of signing in."""
    routes = APIRouter()
    door = Door(handle)
    _add_entering(routes, door)
    _add_sessions(routes, door)
    _add_looks(routes, handle)
    return routes


def _add_entering(routes: APIRouter, door: Door) -> None:
    @routes.post("/token", dependencies=[public()], **answers(TokenShown, also={401: REFUSED}))
    async def token(
        request: Request,
        response: Response,
        grant_type: Annotated[
            Literal["password", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"], Form()
        ],
        username: Name = None,
        password: Secret = None,
        client_id: Name = None,
        client_secret: Secret = None,
        assertion: Annotated[str | None, Form(max_length=tokens.LONGEST)] = None,
    ) -> dict[str, Any]:
        """A bearer token for fifteen minutes at most: `password` for people, `client_credentials` for departments,
        `jwt-bearer` (RFC 7523) for a token of the outside issuer."""
        response.headers["pragma"] = "no-cache"
        if grant_type == JWT_BEARER:
            [given] = _given(assertion=assertion)
            return await door.exchange(given)
        if grant_type == "password":
            name, secret = _given(username=username, password=password)
        else:
            name, secret = _given(client_id=client_id, client_secret=client_secret)
        return await door.enter(grant_type, name, secret, _address(request))


def _add_sessions(routes: APIRouter, door: Door) -> None:
    @routes.post("/renew", **answers(TokenShown))
    async def renew(who: Annotated[Principal, anyone()]) -> dict[str, Any]:
        """The session's next token, with the roles held now; 401 once it was idle, or open, for too long."""
        return await door.renew(who)

    @routes.post("/sign-out", **answers(EndedShown))
    async def sign_out(who: Annotated[Principal, anyone()], body: SignOut | None = None) -> dict[str, Any]:
        """Ends this session, or all of the account's: their tokens are refused everywhere within seconds."""
        everywhere = body is not None and body.everywhere
        return {"ended": await door.end(who.account, "signed_out", who.account, None if everywhere else who.session)}

    @routes.post("/password", **answers(EndedShown))
    async def change_password(
        body: NewPassword, request: Request, who: Annotated[Principal, anyone()]
    ) -> dict[str, Any]:
        """Another secret; every session ends, this one too: sign in with the new one."""
        return {"ended": await door.change_password(who, body.old, body.new, _address(request))}


def _add_looks(routes: APIRouter, handle: ServiceHandle) -> None:
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


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _given(**fields: str | None) -> list[str]:
    """The fields that this grant needs; `Invalid` names those that are missing."""
    missing = [FieldError(f"/{name}", "REQUIRED") for name, value in fields.items() if not value]
    if missing:
        raise Invalid(missing)
    return [value for value in fields.values() if value]
