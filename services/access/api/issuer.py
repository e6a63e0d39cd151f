"""The outside issuer (OIDC): its keys, fetched at the start and kept fresh, and the tokens that it signed.

Which algorithms hold is ours to say, by the kind of key, never the token's; a header that names a place to fetch a
key from is passed over.
"""

from __future__ import annotations

import asyncio
import json  # orjson tells nobody of a name that stands twice
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from services.access.domain.outside import Expected, check_claims
from shared.clock import SystemClock, monotonic
from shared.config import LOOPBACK, Settings
from shared.spec import ServiceHandle

log = structlog.get_logger("security")
DISCOVERY: Final = "/.well-known/openid-configuration"
REFRESH_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 5.0
ASKED_SECONDS: Final = 60.0
"""A key id nobody knows makes us ask the issuer at most once in so long."""
STALE: Final = timedelta(hours=24)
"""Keys older than this are forgotten: the issuer may have withdrawn them long since."""
_LARGEST: Final = 256 * 1024
_LONGEST_TOKEN: Final = 8192
_WEAKEST_RSA: Final = 2048
NOTE: Final = "oidc"


class NotTheirs(Exception):
    """No token that the issuer made for us; the text says why, for the security log."""


class Issuer:
    """One outside issuer, shared by the routes and the worker of a running service."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        assert settings.oidc_issuer is not None  # noqa: S101 — `of` makes one only where there is an issuer
        self._at = settings.oidc_issuer
        self.expected = Expected(self._at, settings.oidc_audience or "", settings.oidc_client_set)
        self._transport = transport
        self._clock = SystemClock()
        self._keys: dict[str, Any] = {}
        self._fetched: datetime | None = None
        self._asked = -ASKED_SECONDS
        self._turn = asyncio.Lock()

    @classmethod
    def of(cls, handle: ServiceHandle) -> Issuer | None:
        """The issuer that the settings name, one a running service; None where they name none."""
        if handle.settings.oidc_issuer is None:
            return None
        found: Issuer = handle.made.setdefault(NOTE, cls(handle.settings))
        return found

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that the issuer made for us and that holds now; else `NotTheirs`."""
        kid, algorithm = self._header(token)
        key = await self._key(kid)
        if algorithm not in _algorithms(key):
            raise NotTheirs("algorithm")
        try:
            jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
            claims = _object(token.split(".")[1])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise NotTheirs("signature") from None
        fault = check_claims(claims, self.expected, self._clock.now())
        if fault is not None:
            raise NotTheirs(fault)
        return claims

    @staticmethod
    def _header(token: str) -> tuple[str | None, str]:
        if len(token) > _LONGEST_TOKEN or token.count(".") != 2:
            raise NotTheirs("malformed")
        try:
            header = _object(token.split(".", maxsplit=1)[0])
        except ValueError:
            raise NotTheirs("malformed") from None
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str | None) or not isinstance(algorithm, str) or "crit" in header:
            raise NotTheirs("header")
        return kid, algorithm

    async def _key(self, kid: str | None) -> Any:
        self._forget_stale()
        if self._known(kid) is None and monotonic() - self._asked >= ASKED_SECONDS:
            await self._refresh_quietly()
        key = self._known(kid)
        if key is None:
            raise NotTheirs("key")
        return key

    def _known(self, kid: str | None) -> Any:
        """The key of this id; one without an id (OIDC Core, 10.1) means the only key there is."""
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as cause:
            log.warning("issuer_unreachable", cause=type(cause).__name__)

    def _forget_stale(self) -> None:
        if self._fetched is not None and self._clock.now() - self._fetched > STALE:
            self._keys, self._fetched = {}, None

    async def refresh(self) -> None:
        """Takes over the issuer's present keys; raises when it does not answer, or not as an issuer does."""
        async with self._turn:
            self._asked = monotonic()
            async with httpx.AsyncClient(transport=self._transport, timeout=5, trust_env=False) as client:
                described = await _fetch(client, self._at.rstrip("/") + DISCOVERY)
                if described.get("issuer") != self._at:
                    raise ValueError("the discovery document is another issuer's")
                place = str(described["jwks_uri"])
                if not is_safe(place):
                    raise ValueError("the issuer's keys lie at no safe address")
                found = await _fetch(client, place)
            self._keys = {kid: key for jwk in found["keys"] for kid, key in _usable(jwk)}
            self._fetched = self._clock.now()

    async def keep(self, notes: dict[str, str]) -> None:
        """Keeps the keys fresh, for ever; while the issuer cannot be asked, `notes` says what does not work."""
        while True:
            try:
                await self.refresh()
                notes.pop(NOTE, None)
                pause = REFRESH_SECONDS
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as cause:
                self._forget_stale()
                log.warning("issuer_unreachable", cause=type(cause).__name__)
                known = "its keys of before are used" if self._keys else "nobody signs in through it"
                notes[NOTE] = f"the OIDC issuer does not answer: {known}, own tokens go on"
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)


async def oidc_keys(handle: ServiceHandle) -> None:
    """The worker that keeps the outside issuer's keys fresh, where there is one."""
    issuer = Issuer.of(handle)
    if issuer is None:
        await asyncio.Event().wait()
    else:
        await issuer.keep(handle.notes)


def is_safe(address: str) -> bool:
    """Whether keys may be fetched from there: by TLS, or from this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


_SIGNATURE_ONLY: Final[Options] = {
    "verify_aud": False,
    "verify_iss": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""The claims are checked by us, against our own clock."""


async def _fetch(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    async with client.stream("GET", address, headers={"accept": "application/json"}) as answer:
        answer.raise_for_status()
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise ValueError("the issuer's answer is too large")
    found = orjson.loads(body)
    if answer.status_code != httpx.codes.OK or not isinstance(found, dict):
        raise ValueError("the issuer's answer is none")
    return found


def _usable(jwk: Any) -> list[tuple[str, Any]]:
    """The key with its id, if it is a public key to verify signatures by one of our algorithms; else nothing."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return []
    try:
        key = jwt.PyJWK(jwk).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return []
    allowed = _algorithms(key)
    return [(jwk["kid"], key)] if allowed and jwk.get("alg", allowed[0]) in allowed else []


def _algorithms(key: Any) -> tuple[str, ...]:
    """The algorithms we accept with this kind of key; none for a secret, a weak or an unknown one."""
    if isinstance(key, RSAPublicKey):
        return ("RS256", "PS256") if key.key_size >= _WEAKEST_RSA else ()
    if isinstance(key, EllipticCurvePublicKey):
        return ("ES256",) if isinstance(key.curve, SECP256R1) else ()
    return ("EdDSA",) if isinstance(key, Ed25519PublicKey) else ()


def _object(part: str) -> dict[str, Any]:
    """A part of a token as an object; `ValueError` also when a name stands in it twice."""
    found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 — it is what came in that is wrong
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)
