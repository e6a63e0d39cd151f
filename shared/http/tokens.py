"""Bearer tokens: Ed25519 signatures only, verified against the platform's own keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from shared.clock import Clock, SystemClock, new_id
from shared.crypto import Keyring
from shared.http.ended import EndedSessions
from shared.http.principal import Principal, from_claims, to_claims
from shared.http.refusals import HttpError, unauthenticated

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "onewindow"
AUDIENCE: Final = "onewindow-api"
LIFETIME: Final = timedelta(minutes=15)
_REQUIRED: Final = ["iss", "aud", "sub", "iat", "exp", "jti"]
_SKEW: Final = timedelta(seconds=30)
"""How far ahead another machine's clock may be when it dates a token."""
_REMEMBERED: Final = 1024
"""Verified tokens kept with what they said: whoever signed in asks again and again with the same one."""


def issue(
    principal: Principal,
    kid: str,
    key: Ed25519PrivateKey,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    session: UUID | None = None,
) -> str:
    """A signed token for the principal, valid from `now` (the machine's time) for `lifetime`, in a session."""
    claims = {
        **to_claims(principal),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": str(new_id()),
        "sid": str(session or new_id()),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


LONGEST: Final = 8192
"""Characters of a token; what is longer is not read at all."""

Fault = Literal["malformed", "forged", "expired", "not_yet", "ended", "unknown_person"]


class TokenRefused(HttpError):
    """401 for a token; `fault` is for the security log alone."""

    def __init__(self, fault: Fault) -> None:
        told = unauthenticated("TOKEN_INVALID")
        super().__init__(told.status, told.code, told.detail_zh, told.detail_en, told.headers)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Told:
    """What a token with a true signature says; when it holds is asked anew at each use."""

    principal: Principal
    issued: float
    expires: float

    def fault(self, now: datetime, ended: EndedSessions) -> Fault | None:
        if now.timestamp() >= self.expires:
            return "expired"
        if now.timestamp() < self.issued - _SKEW.total_seconds():
            return "not_yet"
        return "ended" if self.principal.session in ended else None


class Verifier:
    """Tells who a token speaks for; a value, safe to share.

    A token's life is measured by the machine's time, not business time: it guards against theft, it is no legal
    limit, and a virtual clock that moves a month must not sign everybody out.
    """

    def __init__(
        self,
        keys: Mapping[str, Ed25519PublicKey],
        clock: Clock | None = None,
        newer: Callable[[], Mapping[str, Ed25519PublicKey]] | None = None,
        ended: EndedSessions | None = None,
    ) -> None:
        self._keys, self._newer = dict(keys), newer
        self._clock = clock or SystemClock()
        self._ended = ended if ended is not None else EndedSessions(self._clock)
        self._known: dict[str, _Told] = {}

    @classmethod
    def of(cls, keyring: Keyring, clock: Clock | None = None, ended: EndedSessions | None = None) -> Self:
        """A verifier for every signing key of this installation, the newest and those before it."""

        def newer() -> dict[str, Ed25519PublicKey]:
            keyring.refresh()
            return {kid: key.public_key() for kid, key in keyring.signing_keys.items()}

        return cls(newer(), clock, newer, ended)

    def verify(self, token: str) -> Principal:
        """The principal; raises `TokenRefused` for a token that is not ours, not now, not whole, or of no session."""
        told = self._known.get(token) or self._read(token)
        fault = told.fault(self._clock.now(), self._ended)
        if fault is not None:
            raise TokenRefused(fault)
        self._remember(token, told)
        return told.principal

    def holds(self, token: str) -> bool:
        """Whether a token would be let in now."""
        try:
            self.verify(token)
        except TokenRefused:
            return False
        return True

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The public keys as a JWK set (RFC 7517)."""
        return {"keys": [_jwk(kid, key) for kid, key in self._keys.items()]}

    def _claims(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self._keys and self._newer is not None:
            self._keys = dict(self._newer())  # a new generation, perhaps
        key = self._keys[kid]
        # The algorithm is ours to say, never the token's; dates are checked by our own clock below.
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )

    def _read(self, token: str) -> _Told:
        if len(token) > LONGEST:
            raise TokenRefused("malformed")
        try:
            claims = self._claims(token)
            return _Told(from_claims(claims), float(claims["iat"]), float(claims["exp"]))
        except jwt.DecodeError as cause:
            raise TokenRefused("forged" if isinstance(cause, jwt.InvalidSignatureError) else "malformed") from None
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError):
            raise TokenRefused("forged") from None

    def _remember(self, token: str, told: _Told) -> None:
        self._known[token] = told
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "use": "sig", "alg": ALGORITHM}
