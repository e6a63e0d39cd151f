"""Guards and tokens: nobody comes in by a door that was left open."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from shared.clock import FixedClock, VirtualClock
from shared.errors import Misconfigured
from shared.http import tokens
from shared.http.app import install
from shared.http.auth import Principal, RoleInUnit, Verifier, allow, anyone, check_guards, public, public_paths
from shared.http.refusals import HttpError
from shared.http.tokens import AUDIENCE, ISSUER, LIFETIME, issue

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
CLERK = Principal(
    "clerk", "周晓燕", "staff", (RoleInUnit("clerk", "420112-HALL-W01", "420112"),), ("intake",), person_ref=None
)


def verifier(at=NOW):
    return Verifier({"1-a": KEY.public_key()}, FixedClock(at))


def token(**changed):
    claims = jwt.decode(issue(CLERK, "1-a", KEY, NOW), options={"verify_signature": False})
    for name, value in changed.items():
        if value is None:
            claims.pop(name)
        else:
            claims[name] = value
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": "1-a"})


def raw(header, payload, signature=b""):
    return ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in (header, payload, signature))


def test_a_token_brings_back_the_whole_principal():
    assert verifier().verify(issue(CLERK, "1-a", KEY, NOW)) == CLERK


def payload_of(good):
    return base64.urlsafe_b64decode(good.split(".")[1] + "==")


def with_algorithm_none():
    return raw(orjson.dumps({"alg": "none", "typ": "JWT", "kid": "1-a"}), payload_of(token()))


def with_the_public_key_as_hmac_secret():
    claims = orjson.loads(payload_of(token()))
    secret = KEY.public_key().public_bytes_raw() + bytes(32)
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "1-a"})


def with_an_unknown_key_id():
    return issue(CLERK, "1-b", KEY, NOW)


def without_a_key_id():
    return jwt.encode(orjson.loads(payload_of(token())), KEY, algorithm="EdDSA")


def signed_by_a_stranger():
    return issue(CLERK, "1-a", Ed25519PrivateKey.generate(), NOW)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(with_algorithm_none, id="the none algorithm"),
        pytest.param(with_the_public_key_as_hmac_secret, id="another algorithm"),
        pytest.param(with_an_unknown_key_id, id="an unknown key id"),
        pytest.param(without_a_key_id, id="no key id"),
        pytest.param(signed_by_a_stranger, id="a stranger's key"),
        pytest.param(lambda: token(iss="elsewhere"), id="another issuer"),
        pytest.param(lambda: token(aud="elsewhere"), id="another audience"),
        pytest.param(lambda: token(exp=int(NOW.timestamp())), id="expired this second"),
        pytest.param(lambda: token(iat=int(NOW.timestamp()) + 3600), id="not issued yet"),
        pytest.param(lambda: token(exp=None), id="no end"),
        pytest.param(lambda: token(jti=None), id="no id"),
        pytest.param(lambda: token(roles=[["clerk"]]), id="half a role"),
        pytest.param(lambda: token(roles=7), id="no list of roles"),
        pytest.param(lambda: token(scope=["a"]), id="a list of scopes"),
        pytest.param(lambda: token(exp="soon"), id="an end that is no number"),
        pytest.param(lambda: "a.b.c", id="no token at all"),
        pytest.param(lambda: "", id="nothing"),
    ],
)
def test_a_forged_token_is_refused_without_saying_why(forged):
    with pytest.raises(HttpError) as refused:
        verifier().verify(forged())
    assert (refused.value.status, refused.value.code) == (401, "TOKEN_INVALID")


def test_a_token_lives_fifteen_minutes():
    good = issue(CLERK, "1-a", KEY, NOW)
    assert verifier(NOW + LIFETIME - timedelta(seconds=1)).verify(good) == CLERK
    with pytest.raises(HttpError):
        verifier(NOW + timedelta(minutes=15)).verify(good)


def test_a_token_that_was_good_before_is_refused_when_its_time_is_over():
    clock = VirtualClock(NOW)
    watch = Verifier({"1-a": KEY.public_key()}, clock)
    good = issue(CLERK, "1-a", KEY, NOW)
    assert watch.verify(good) == watch.verify(good) == CLERK
    clock.set(NOW + LIFETIME)
    with pytest.raises(HttpError):
        watch.verify(good)


def test_no_more_tokens_are_kept_in_mind_than_people_sign_in(monkeypatch):
    monkeypatch.setattr(tokens, "_REMEMBERED", 2)
    watch = verifier()
    for number in range(5):
        assert watch.verify(token(jti=str(number))) == CLERK
    assert len(watch._known) == 2


def test_a_published_key_verifies_what_the_private_one_signed():
    [jwk] = verifier().jwks()["keys"]
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["kid"]) == ("OKP", "Ed25519", "EdDSA", "1-a")
    assert "d" not in jwk
    good = issue(CLERK, "1-a", KEY, NOW)
    read = jwt.decode(
        good, jwt.PyJWK(jwk), algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER, options={"verify_exp": False}
    )
    assert read["sub"] == "clerk"


def test_a_role_reaches_what_lies_in_its_unit_and_no_further():
    town = Principal("t", "t", "staff", (RoleInUnit("clerk", "U", "420112001000"), RoleInUnit("auditor", "V", "4201")))
    assert town.covers("420112001201")
    assert not town.covers("420112")
    assert not town.covers("420112002000")
    assert not town.covers("420112001201", "handler")
    assert town.units_for("clerk") == ("U",)
    assert town.in_unit("U", "clerk")
    assert not town.in_unit("U", "auditor")


class Body(BaseModel):
    n: int


def an_app():
    router = APIRouter()

    @router.post("/things")
    async def things(body: Body, who: Annotated[Principal, allow("handler", "clerk")]):
        return {"by": who.account, "n": body.n}

    @router.get("/me")
    async def me(who: Annotated[Principal, Depends(anyone())]):
        return who.name

    @router.get("/open", dependencies=[public()])
    async def openly():
        return "come in"

    app = FastAPI(redoc_url=None)
    install(app, verifier())
    app.include_router(router, prefix="/api/x")
    check_guards(app)
    return app


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


def bearer(principal):
    return {"authorization": f"Bearer {issue(principal, '1-a', KEY, NOW)}"}


CITIZEN = Principal("citizen", "李明", "citizen", (RoleInUnit("citizen", "420112", "420112"),))


@pytest.mark.parametrize(
    "body", [b'{"n": 1}', b'{"n": "x"}', b"{broken", b"", b'{"n": "' + b"x" * 2_000_000 + b'"}'], ids=len
)
async def test_who_may_come_in_is_settled_before_the_body_is_looked_at(body):
    async with client(an_app()) as http:
        json = {"content-type": "application/json"}
        nobody = await http.post("/api/x/things", content=body, headers=json)
        stranger = await http.post("/api/x/things", content=body, headers=json | bearer(CITIZEN))
    assert (nobody.status_code, stranger.status_code) == (401, 403)
    assert nobody.headers["www-authenticate"] == "Bearer"
    assert nobody.json()["code"] == "UNAUTHENTICATED"


async def test_a_role_lets_in_and_an_open_door_asks_nothing():
    async with client(an_app()) as http:
        done = await http.post("/api/x/things", json={"n": 3}, headers=bearer(CLERK))
        me = await http.get("/api/x/me", headers=bearer(CITIZEN))
        openly = await http.get("/api/x/open", headers={"authorization": "Bearer rubbish"})
    assert done.json() == {"by": "clerk", "n": 3}
    assert (me.json(), openly.json()) == ("李明", "come in")


def test_a_route_without_a_guard_stops_the_start_by_name():
    app, router = FastAPI(redoc_url=None), APIRouter()

    @router.delete("/secret")
    async def secret():
        return 1

    app.include_router(router, prefix="/api/x")
    with pytest.raises(Misconfigured, match="DELETE /api/x/secret"):
        check_guards(app)


def test_a_mounted_application_stops_the_start_for_its_routes_cannot_be_seen():
    app = FastAPI(redoc_url=None)
    app.mount("/below", FastAPI())
    with pytest.raises(Misconfigured, match="/below"):
        check_guards(app)


def test_a_guard_given_to_the_whole_router_counts():
    app, router = FastAPI(redoc_url=None), APIRouter(dependencies=[anyone()])

    @router.get("/a")
    async def a():
        return 1

    app.include_router(router)
    check_guards(app)
    assert public_paths(app) == frozenset()
    assert public_paths(an_app()) == {"/api/x/open"}


def test_a_guard_for_a_role_that_does_not_exist_stops_the_start():
    with pytest.raises(Misconfigured, match="clerkk"):
        allow("clerkk")


def test_the_openapi_says_which_routes_need_a_token():
    paths = an_app().openapi()["paths"]
    assert paths["/api/x/things"]["post"]["security"] == [{"bearer": []}]
    assert "security" not in paths["/api/x/open"]["get"]
