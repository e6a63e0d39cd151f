"""What attackers send: forged tokens, guesses, text and numbers built to break, another's rows; and what they find."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from time import process_time
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.intake.api.example import EXAMPLE
from shared.clock import SystemClock, new_id
from shared.http.paging import cursor
from shared.http.principal import Principal, RoleInUnit, to_claims
from shared.http.tokens import AUDIENCE, ISSUER, issue
from tests.e2e.acting import allowance, counts, person, relief, task
from tests.support.attack import call, principal
from tests.support.platform import PASSWORD, Hosted, run_platform

pytestmark = pytest.mark.e2e
APPLICATIONS = "/api/intake/applications"


# --- tokens -----------------------------------------------------------------------------------------------------------


def forged(platform: Hosted) -> dict[str, str]:
    """Tokens that nobody may come in with."""
    now, who = SystemClock().now(), principal(platform, "window")
    kid, key = platform.host.keyring.signing_key
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    claims = {**to_claims(who), "iss": ISSUER, "aud": AUDIENCE, "jti": "1", "iat": int(now.timestamp())}
    claims["exp"] = claims["iat"] + 600

    def b64(value: Any) -> str:
        return urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()

    def signed(**changed: Any) -> str:
        return jwt.encode({**claims, **changed}, key, "EdDSA", headers={"kid": kid})

    def hmac_of(secret: bytes) -> str:
        head = f"{b64({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{b64(claims)}"
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), secret)
        return f"{head}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    good = issue(who, kid, key, now)
    head, body, mac = good.split(".")
    raised = {**claims, "roles": [["security", "420000", "420000"]]}
    return {
        "alg none": f"{b64({'alg': 'none', 'kid': kid})}.{b64(claims)}.",
        "alg none with a signature": f"{b64({'alg': 'none', 'kid': kid})}.{body}.{mac}",
        "signed with the public key as a secret": hmac_of(public),
        "signed with its raw bytes": hmac_of(raw),
        "another's key": issue(who, kid, Ed25519PrivateKey.generate(), now),
        "its own key in the head": jwt.encode(
            claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"jwk": {"k": "x"}}
        ),
        "an unknown kid": issue(who, "../../sign/1", key, now),
        "a kid that is a list": f"{b64({'alg': 'EdDSA', 'kid': [kid]})}.{body}.{mac}",
        "a place of keys in its head": jwt.encode(
            claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": kid, "jku": "https://evil.example/keys"}
        ),
        "a certificate in its head": jwt.encode(
            claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": kid, "x5u": "https://evil.example/c"}
        ),
        "an extension in its head": jwt.encode(claims, key, "EdDSA", headers={"kid": kid, "crit": ["exp"]}),
        "huge": signed(padding="x" * 9000),
        "of no session there could be": signed(sid="../1"),
        "raised roles": f"{head}.{b64(raised)}.{mac}",
        "expired": issue(who, kid, key, now - timedelta(minutes=16)),
        "of tomorrow": issue(who, kid, key, now + timedelta(days=1)),
        "another issuer": signed(iss="somebody"),
        "another audience": signed(aud="another-api"),
        "no audience": jwt.encode({k: v for k, v in claims.items() if k != "aud"}, key, "EdDSA", headers={"kid": kid}),
        "endless": signed(exp=None),
        "roles of no shape": signed(roles="clerk"),
        "nothing": "",
        "not a token": "a.b.c",
    }


async def test_a_token_that_is_not_ours_not_now_or_not_whole_opens_nothing(platform: Hosted) -> None:
    assert (await call(platform, "window", "GET", "/api/auth/me")).status_code == 200
    for name, given in forged(platform).items():
        for scheme in ("Bearer", "bearer"):
            head = {"Authorization": f"{scheme} {given}"}
            answer = await call(platform, None, "GET", "/api/auth/me", headers=head)
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_guesses_sent_together_are_counted_like_those_sent_one_by_one(platform: Hosted) -> None:
    form = {"grant_type": "password", "username": f"guessed-{new_id()}"}
    tries = [call(platform, None, "POST", "/api/auth/token", data={**form, "password": f"g{n}"}) for n in range(12)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*tries))
    assert statuses == [401] * 5 + [429] * 7


async def test_demonstration_accounts_and_routes_are_gone_without_the_demonstration(server, tmp_path) -> None:
    dsn = await server.new_platform_database()
    form = {"grant_type": "password", "username": "operator", "password": PASSWORD}
    for demo, clock, status, dev in ((True, "system", 200, 401), (False, "system", 401, 404)):
        async with run_platform(dsn, demo=demo, clock=clock, keys=tmp_path / "keys") as found:
            assert (await call(found, None, "POST", "/api/auth/token", data=form)).status_code == status
            assert (await call(found, None, "GET", "/api/dev/clock")).status_code == dev
            assert (await call(found, None, "POST", "/api/dev/facts", json={})).status_code == dev


async def test_a_security_officer_rules_their_own_place_alone(platform: Hosted) -> None:
    officer = Principal("officer", "县安全员", "staff", (RoleInUnit("security", "420102", "420102"),))
    facts = {"code": "420112-HALL-W01", "kind": "window", "name": "x", "region": "420102", "parent": "420102-HALL"}
    for changed in ({}, {"region": "420112", "parent": "420112-HALL"}, {"code": "420112-X", "region": "420112"}):
        body = {**facts, "valid_from": "2026-01-01", **changed}
        assert (await call(platform, officer, "POST", "/api/access/units", json=body)).status_code == 403
    async with platform.host.services["access"].read() as conn:
        clerk = await conn.fetchval("SELECT id FROM access.account WHERE account = 'clerk'")
    assert (await call(platform, officer, "POST", f"/api/access/accounts/{clerk}/disable")).status_code == 404


# --- what is sent to break things -------------------------------------------------------------------------------------


def named(name: str, **changed: Any) -> dict[str, Any]:
    raw = {**allowance(person("己")), **changed}
    raw["applicant"]["name"] = name
    return raw


LATE = {"received_reason": "补录"}
BODIES: dict[str, Any] = {
    "a NUL in a plain field": {"received_at": "2026-11-20T09:00:00+08:00", "received_reason": "a\0b"},
    "a NUL in a reference": {"partner_ref": "a\0b"},
    "a lone surrogate as a name": {"form": {"\ud800": 1}},
    "the first year with a zone before it": {"received_at": "0001-01-01T00:00:00+14:00", **LATE},
    "the last year": {"received_at": "9999-12-31T23:59:59-14:00", **LATE},
    "a day before any calendar": {"received_at": "1900-01-01T00:00:00+08:00", **LATE},
    "a moment as a number": {"received_at": 0, **LATE},
    "a moment without a zone": {"received_at": "2026-11-20T09:00:00", **LATE},
    "a number nobody can store": {"form": {"x": 10**30}},
    "what only we may say": {"application_no": "x", "case_id": str(UUID(int=1)), "unit": "420102"},
    "very many matters": {"matters": ["a.b"] * 50_000},
    "full-width digits as a region": {"accept_region": "４２０１１２"},
}
AS_JSON = {"Content-Type": "application/json"}
RAW = {
    "deep objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "deep lists": b"[" * 200_000,
    "a deep form": b'{"form":' + b"[" * 60 + b"]" * 60 + b"}",
    "not a number": b'{"form":{"x":NaN}}',
    "too large": b'{"a":"' + b"x" * 1_100_000 + b'"}',
    "no UTF-8": b'{"a":"\xff"}',
}


async def test_a_body_built_to_break_is_refused_and_nothing_is_stored(platform: Hosted) -> None:
    before = await counts(platform, "intake.application", "intake.holding", "intake.idempotency")
    bodies = dict(RAW)
    for name, changed in BODIES.items():
        bodies[name] = json.dumps({**allowance(person("庚")), **changed}).encode()
    for hidden in ("庚\u202e辛", "庚\u200b辛", "庚\x07辛"):
        bodies[f"a name with {hidden!r}"] = orjson.dumps(named(hidden))
    for amount in ("1E+400", "-1.00", "99999999999999999999", "0.001", "NaN", "１００.00", "5.00\n"):
        bodies[f"an amount {amount!r}"] = orjson.dumps(relief(person("辛"), amount))
    for name, body in bodies.items():
        answer = await call(platform, "window", "POST", APPLICATIONS, content=body, headers=AS_JSON)
        assert answer.status_code in (400, 413, 422), (name, answer.text[:300])
        assert answer.headers["content-type"] == "application/problem+json"
    assert await counts(platform, *before) == before


async def test_a_flood_of_wrong_names_is_answered_at_once_and_in_short(platform: Hosted) -> None:
    body = {
        **allowance(person("壬")),
        **{f"x{n}": 1 for n in range(20_000)},
        "form": {f"y{n}": 1 for n in range(20_000)},
    }
    start = process_time()  # of our own work, whatever else the machine does
    answer = await call(platform, "window", "POST", APPLICATIONS, json=body)
    assert process_time() - start < 5, "weighing each against each would take minutes"
    assert (answer.status_code, len(answer.json()["errors"]) <= 500) == (422, True)


ODD_CURSORS = [
    *(
        cursor("2026-01-01", 5),
        cursor("2026-01-01", None),
        cursor(5, str(UUID(int=1))),
        cursor("\0"),
        cursor({"a": 1}, [1]),
    ),
    *(cursor("2026-01-01T00:00:00", str(UUID(int=1))), cursor("0001-01-01T00:00:00+14:00", str(UUID(int=1)))),
    *(
        cursor("9999-12-31T23:59:59-12:00", str(UUID(int=1))),
        cursor("' OR 1=1 --", str(UUID(int=1))),
        "....",
        "é",
        "AAAA",
    ),
]
SEARCHES = [
    *({"to": "9999-12-31"}, {"from": "0001-01-01"}, {"number": "a\0"}, {"after": "x"}, {"status": "closed' --"}),
    *({"name": "", "id_no": ""}, {"to": 253402300800}, {"unit": "420112"}, *({"after": odd} for odd in ODD_CURSORS)),
]


async def test_a_wrong_query_cursor_or_address_is_the_senders_fault_not_ours(platform: Hosted) -> None:
    sent = [("window", "POST", f"{APPLICATIONS}/search", {"json": body}) for body in SEARCHES]
    for path in ("/api/elderly/tasks", "/api/access/units", "/api/funeral/cremations"):
        who = "funeral home" if "cremations" in path else "window"
        sent += [(who, "GET", path, {"params": {"after": odd}}) for odd in ODD_CURSORS]
    for path in (
        *("/api/elderly/tasks?state=%00", "/api/elderly/tasks?kind=%00", "/api/access/units?under=%00"),
        *("/api/elderly/tasks?limit=201", "/api/catalogue/matters/%00", "/api/elderly/tasks/x"),
    ):
        sent.append(("window", "GET", path, {}))
    sent += [("funeral home", "GET", f"/api/funeral/cremations?month={m}", {}) for m in ("9999-12", "0000-12", "1-1")]
    sent += [("operator", "POST", f"/api/ops/intake/parked/{10**23}/retry", {})]
    sent += [
        ("window", "POST", "/api/auth/token", {"data": {"grant_type": "password", "username": "a\0", "password": "x"}})
    ]
    sent += [
        ("window", "POST", APPLICATIONS, {"json": {}, "headers": {"Idempotency-Key": k}}) for k in ("a\tb", "x" * 201)
    ]
    for who, method, path, more in sent:
        answer = await call(platform, who, method, path, **more)
        assert answer.status_code in (400, 422), (method, path, more, answer.text[:300])


async def test_a_decision_carries_nothing_that_cannot_be_kept_and_nobody_elses_name(platform: Hosted) -> None:
    given = await platform.submit(allowance(person("癸")))
    review = await task(platform, "elderly", given["application_no"], "handler", "age_allowance_review")
    path = f"/api/elderly/tasks/{review['id']}"
    lease = (await call(platform, "elderly", "POST", f"{path}/claim", json={})).json()["lease"]
    for odd in (
        {"reason_code": "a\0"},
        {"result": {"a": "\0"}},
        {"result": {"a": 10**400}},
        {"by": "approver"},
        {"until": "x"},
    ):
        body = {"lease": lease, "outcome": "deny", "reason_code": "X", **odd}
        answer = await call(platform, "elderly", "POST", f"{path}/decision", json=body)
        assert answer.status_code in (400, 422), (odd, answer.text)
    assert (await call(platform, "elderly", "GET", path)).json()["state"] == "claimed"


async def test_what_is_wrong_is_told_without_what_was_typed(platform: Hosted) -> None:
    secret = "420112194102290019"
    raw = allowance(person("很长的名字" * 20))
    raw["applicant"] |= {"id_no": secret, "phone": secret, "contact": "某路" * 200}
    raw["form"]["bank_account"] = {"holder": secret, "number": f"x{secret}"}
    for sent in ({"json": raw}, {"json": {"draft_id": secret}}, {"content": f'{{"id_no": "{secret}",'.encode()}):
        answer = await call(
            platform, "window", "POST", APPLICATIONS, headers={"Content-Type": "application/json"}, **sent
        )
        assert answer.status_code == 422
        assert not [s for s in (secret, "很长的名字", "某路") if s in answer.text]
    form = {"grant_type": "password", "username": secret * 6, "password": "geheim-geheim"}
    answer = await call(platform, None, "POST", "/api/auth/token", data=form)
    assert (answer.status_code, secret in answer.text, "geheim" in answer.text) == (422, False, False)


# --- the edge ---------------------------------------------------------------------------------------------------------


async def test_every_answer_keeps_browsers_out_of_it(platform: Hosted) -> None:
    origin = {"Origin": "https://evil.example"}
    for path in ("/healthz", "/docs", "/openapi.json", "/api/auth/me", "/nowhere", "/api/elderly/tasks?state=%00"):
        answer = await call(platform, None, "GET", path, headers=origin)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {**origin, "Access-Control-Request-Method": "POST"}
    assert (await call(platform, None, "OPTIONS", APPLICATIONS, headers=asked)).status_code == 401
    assert (await call(platform, "window", "OPTIONS", APPLICATIONS, headers=asked)).status_code == 405


async def test_the_pages_about_the_interface_need_no_other_host_and_name_no_person(platform: Hosted) -> None:
    page = await call(platform, None, "GET", "/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!-- ", "")
    assert "//" not in page.headers["content-security-policy"]
    described = (await call(platform, None, "GET", "/openapi.json")).text
    invented = {party["id_no"] for party in (EXAMPLE["applicant"], EXAMPLE["subject"])}
    assert set(re.findall(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9])", described)) <= invented, "only those of the example"
    assert "p1_" not in described


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_metrics_are_for_this_machine_and_never_through_a_gateway(platform: Hosted, header) -> None:
    assert (await call(platform, None, "GET", "/metrics")).status_code == 200
    assert (await call(platform, None, "GET", "/metrics", headers={header: "127.0.0.1"})).status_code == 404
