"""The outside issuer: what its tokens must be, which keys count, and how often it is asked for them."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.access.api import issuer as module
from services.access.api.issuer import Issuer, NotTheirs
from services.access.domain.outside import citizen_of, subject_of
from shared.clock import SystemClock
from shared.config import Settings, load_settings
from shared.errors import Misconfigured
from shared.person_index import PersonIndex
from shared.runtime import health
from tests.support.database import eventually

ISSUER, AUDIENCE, OTHER = "https://id.example", "onewindow-window", "https://elsewhere.example"
RSA, EC, ED = generate_rsa(65537, 2048), generate_private_key(SECP256R1()), Ed25519PrivateKey.generate()
STRANGER = generate_rsa(65537, 2048)
INDEX = PersonIndex(b"i" * 32)


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    kinds = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm, "Ed": jwt.algorithms.OKPAlgorithm}
    kind = next(algorithm for name, algorithm in kinds.items() if name in type(key).__name__)
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


class Served:
    """What the issuer's addresses answer, and how often they were asked."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA, "rsa", use="sig", alg="RS256"), jwk(EC, "ec"), jwk(ED, "ed")]
        self.described: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.asked: list[str] = []
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.away:
            raise httpx.ConnectError("away")
        body = self.described if request.url.path.endswith("configuration") else {"keys": self.keys}
        return httpx.Response(200, json=body)


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def issuer(served: Served) -> Issuer:
    settings = Settings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE)
    return Issuer(settings, httpx.MockTransport(served))


def claims(**changed: Any) -> dict[str, Any]:
    now = int(SystemClock().now().timestamp())
    found = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "iat": now, "exp": now + 600, "name": "周晓燕", **changed}
    return {name: value for name, value in found.items() if value is not None}


def signed(key: Any = RSA, alg: str = "RS256", kid: str | None = "rsa", head: dict[str, Any] | None = None, **changed):
    return jwt.encode(claims(**changed), key, alg, headers={**({"kid": kid} if kid else {}), **(head or {})})


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def raw(head: dict[str, Any] | bytes, body: bytes, key: Any = None) -> str:
    """A token from bytes, signed with the issuer's RSA key if one is given."""
    text = f"{b64(head if isinstance(head, bytes) else json.dumps(head).encode())}.{b64(body)}"
    if key is None:
        return f"{text}."
    rs256 = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{text}.{b64(rs256.sign(text.encode(), key))}"


def hmac_of_the_public_key() -> str:
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'rsa'}).encode())}.{b64(json.dumps(claims()).encode())}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text.encode(), secret)
    return f"{text}.{b64(mac)}"


NOW = int(datetime.now(UTC).timestamp())  # noqa: TID251 — a moment for the tokens, whatever it is
HEAD = {"alg": "RS256", "kid": "rsa"}
TWICE = b'{"alg":"RS256","kid":"rsa","alg":"RS256"}'
FORGED = {
    "alg none": lambda: raw({"alg": "none", "kid": "rsa"}, json.dumps(claims()).encode()),
    "alg None in capitals": lambda: raw({"alg": "NoNe", "kid": "rsa"}, json.dumps(claims()).encode()),
    "HS256 with the public key": hmac_of_the_public_key,
    "an algorithm of another kind of key": lambda: signed(EC, "ES256", "rsa"),
    "an algorithm we do not take": lambda: signed(RSA, "RS512"),
    "another installation's key": lambda: signed(STRANGER),
    "a kid that is a path": lambda: signed(kid="../../../etc/passwd"),
    "a kid that is an address": lambda: signed(STRANGER, kid="https://evil.example/key"),
    "a kid with SQL": lambda: signed(STRANGER, kid="rsa' OR '1'='1"),
    "a kid that is a list": lambda: raw({"alg": "RS256", "kid": ["rsa"]}, json.dumps(claims()).encode(), RSA),
    "no kid where there are several keys": lambda: signed(kid=None),
    "its own key in the head": lambda: signed(STRANGER, head={"jwk": jwk(STRANGER, "rsa")}),
    "a place of keys in the head": lambda: signed(STRANGER, head={"jku": "https://evil.example/keys"}),
    "a certificate in the head": lambda: signed(STRANGER, head={"x5u": "https://evil.example/c", "x5c": ["AAAA"]}),
    "an extension we must understand": lambda: signed(head={"crit": ["b64"], "b64": True}),
    "another issuer": lambda: signed(iss=OTHER),
    "an issuer with a slash more": lambda: signed(iss=f"{ISSUER}/"),
    "another audience": lambda: signed(aud="another-api"),
    "an audience that begins like ours": lambda: signed(aud=f"{AUDIENCE}-2"),
    "no audience": lambda: signed(aud=None),
    "another client": lambda: signed(azp="another-client"),
    "two audiences and no client": lambda: signed(aud=[AUDIENCE, "another-api"]),
    "expired": lambda: signed(iat=NOW - 900, exp=NOW - 1),
    "no end": lambda: signed(exp=None),
    "an end in ten years": lambda: signed(exp=NOW + 10 * 365 * 86400),
    "issued tomorrow": lambda: signed(iat=NOW + 86400, exp=NOW + 90000),
    "not before tomorrow": lambda: signed(nbf=NOW + 86400),
    "dates that are no numbers": lambda: signed(exp="2099"),
    "dates that are true": lambda: raw(HEAD, json.dumps(claims(iat=True)).encode(), RSA),
    "no subject": lambda: signed(sub=None),
    "an endless subject": lambda: signed(sub="x" * 201),
    "a claim that stands twice": lambda: raw(HEAD, json.dumps(claims()).encode()[:-1] + b', "sub": "boss"}', RSA),
    "a head in which a name stands twice": lambda: raw(TWICE, json.dumps(claims()).encode(), RSA),
    "huge": lambda: signed(padding="x" * 9000),
    "claims that are a list": lambda: raw(HEAD, b'["sub"]', RSA),
    "five parts": lambda: f"{signed()}.a.b",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_that_the_issuer_did_not_make_for_us_now_is_refused(issuer, served, name) -> None:
    with pytest.raises(NotTheirs):
        await issuer.verify(FORGED[name]())
    assert all(url.startswith(ISSUER) for url in served.asked), "nothing in a token says where keys are fetched"


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")]
)
async def test_a_good_token_of_each_kind_of_key_says_whose_it_is(issuer, key, alg, kid) -> None:
    assert (await issuer.verify(signed(key, alg, kid, azp=AUDIENCE)))["sub"] == "u-1"


async def test_without_an_id_the_only_key_there_is_counts(issuer, served) -> None:
    served.keys = served.keys[:1]
    assert (await issuer.verify(signed(kid=None)))["sub"] == "u-1"


async def test_secret_weak_and_private_keys_of_the_issuer_are_passed_over(issuer, served) -> None:
    weak = generate_rsa(65537, 1024)  # noqa: S505 — weak on purpose
    private = {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True), "kid": "private"}
    served.keys = [
        {"kty": "oct", "kid": "oct", "k": b64(b"k" * 32)},
        jwk(weak, "weak"),
        private,
        jwk(RSA, "enc", use="enc"),
        jwk(RSA, "hs", alg="HS256"),
        {"kty": "?"},
        7,
    ]
    await issuer.refresh()
    assert issuer._keys == {}


async def test_an_unknown_key_id_asks_the_issuer_at_most_once_a_minute(issuer, served, monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    await issuer.refresh()
    fresh = generate_rsa(65537, 2048)
    served.keys.append(jwk(fresh, "new"))
    for _ in range(20):
        with pytest.raises(NotTheirs):
            await issuer.verify(signed(fresh, kid="new"))
    assert len(served.asked) == 2, "the discovery document and the keys, once"
    now[0] += module.ASKED_SECONDS
    assert (await issuer.verify(signed(fresh, kid="new")))["sub"] == "u-1"


async def test_keys_outlive_an_issuer_that_is_away_for_a_day_and_no_longer(issuer, served) -> None:
    await issuer.refresh()
    served.away = True
    assert (await issuer.verify(signed()))["sub"] == "u-1"
    issuer._fetched = SystemClock().now() - module.STALE - timedelta(seconds=1)
    with pytest.raises(NotTheirs):
        await issuer.verify(signed())


async def test_an_issuer_that_is_away_degrades_and_is_asked_until_it_is_there(issuer, served, monkeypatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.001)
    served.away, notes = True, dict[str, str]()
    nothing = SimpleNamespace(note=lambda *_: "")
    service = SimpleNamespace(
        figures=SimpleNamespace(bus_away=0), notes=notes, parking=None, newer=nothing, refused=nothing, losses=nothing
    )
    keeping = asyncio.create_task(issuer.keep(notes))
    await eventually(lambda: notes, "the note")
    assert health._limits(service) == (
        "degraded: the OIDC issuer does not answer: nobody signs in through it, own tokens go on"
    )
    assert health._can_work(health._limits(service))
    served.away = False
    await eventually(lambda: not notes, "the issuer's answer")
    assert health._limits(service) == "ready"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": OTHER},
        {"jwks_uri": "http://id.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://169.254.169.254/keys"},
    ],
    ids=str,
)
async def test_a_discovery_document_that_leads_elsewhere_is_refused(issuer, served, described) -> None:
    served.described |= described
    with pytest.raises(ValueError):
        await issuer.refresh()


async def test_an_answer_without_end_is_not_read_to_its_end(issuer, served) -> None:
    served.keys = [{"kty": "x" * 300_000}]
    with pytest.raises(ValueError, match="too large"):
        await issuer.refresh()


def test_a_citizen_is_known_by_the_claim_that_the_setting_names_and_by_no_other() -> None:
    today, told = date(2026, 11, 21), {"name": "李明", "id_no": "420112197003150014", "other": "420112197003150015"}
    found = citizen_of(told, "id_no", INDEX, today)
    assert found is not None
    assert (found.name, found.person_ref) == ("李*", INDEX.person_ref("resident_id", "420112197003150014"))
    assert citizen_of(told, "other", INDEX, today) is None, "a number whose check digit is wrong"
    assert citizen_of(told, "missing", INDEX, today) is None


def test_a_subject_is_kept_as_a_reference_that_two_issuers_do_not_share() -> None:
    one, two = (subject_of({"iss": iss, "sub": "张三13800000000"}, INDEX) for iss in (ISSUER, OTHER))
    assert one != two
    assert "138" not in one


@pytest.mark.parametrize(("one", "other"), [("Abc", "aBC"), ("a b", "a  b"), ("abc", "ａｂｃ"), ("abc", " abc")])
def test_subjects_that_differ_in_a_letter_are_two_people(one: str, other: str) -> None:
    """`sub` is case-sensitive (OIDC Core, 2): what we put into one form for names would hand one's account to another."""
    assert subject_of({"iss": ISSUER, "sub": one}, INDEX) != subject_of({"iss": ISSUER, "sub": other}, INDEX)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"oidc_issuer": "http://id.example", "oidc_audience": "a"}, "OIDC_ISSUER"),
        ({"oidc_issuer": ISSUER}, "OIDC_AUDIENCE"),
    ],
)
def test_a_wrong_setting_of_the_issuer_is_named(changed, name) -> None:
    with pytest.raises(Misconfigured, match=name):
        load_settings(**changed)
