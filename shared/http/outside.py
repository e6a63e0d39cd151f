"""Tokens of an outside issuer at the edge: each is exchanged, once, for one of ours, and that one is what counts.

The service behind `/api/auth/token` alone knows the issuer's keys and whose subject is whose; here nothing is believed.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx
import orjson

from shared.clock import monotonic
from shared.errors import Transient
from shared.http.limiter import RateLimiter
from shared.http.tokens import LONGEST

PATH: Final = "/api/auth/token"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REMEMBERED: Final = 1024
"""Tokens kept in mind, good ones and refused ones apart: anybody can make refused ones, as many as they like."""
_REFUSED_SECONDS: Final = 5.0
"""How long a refusal is remembered: one bad token sent again and again is asked about now and then."""
_EARLY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Known:
    own: str | None
    until: float


class Exchange:
    """Exchanges tokens of one issuer; `holds` says whether a token of ours still does."""

    def __init__(self, issuer: str, client: httpx.AsyncClient, holds: Callable[[str], bool]) -> None:
        self._issuer, self._client, self._holds = issuer, client, holds
        self._good: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, _Known] = OrderedDict()
        # As many as may sign in from one address: whoever makes tokens up is slowed like whoever guesses at secrets.
        self._from_address = RateLimiter(300, 60)
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def concerns(self, token: str) -> bool:
        """Whether a token says that it is the issuer's; whether it is shows later."""
        if len(token) > LONGEST or token.count(".") != 2:
            return False
        part = token.split(".")[1]
        try:
            claims = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except ValueError:
            return False
        return isinstance(claims, dict) and claims.get("iss") == self._issuer

    async def own(self, token: str, address: str) -> str | None:
        """One of our tokens for it, None when it opens nothing; `Transient` when nobody can say, 429 for an address that
        brings ever new ones."""
        key = sha256(token.encode()).digest()
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            found = self._good.get(key) or self._refused.get(key)
            if found is None or found.until <= monotonic() or not self._still(found):
                self._from_address.check(address)
                found = await self._ask(token)
                self._remember(key, found)
        return found.own

    def _still(self, found: _Known) -> bool:
        return found.own is None or self._holds(found.own)

    async def _ask(self, token: str) -> _Known:
        try:
            answer = await self._client.post(PATH, data={"grant_type": GRANT, "assertion": token})
        except httpx.HTTPError as cause:
            raise _away() from cause
        if answer.status_code == httpx.codes.OK:
            told: dict[str, Any] = answer.json()
            return _Known(told["access_token"], monotonic() + told["expires_in"] - _EARLY_SECONDS)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.UNPROCESSABLE_ENTITY):
            return _Known(None, monotonic() + _REFUSED_SECONDS)
        raise _away()

    def _remember(self, key: bytes, found: _Known) -> None:
        self._good.pop(key, None)
        known = self._refused if found.own is None else self._good
        known[key] = found
        known.move_to_end(key)
        while len(known) > _REMEMBERED:
            known.popitem(last=False)


def _away() -> Transient:
    return Transient(
        "登录服务暂时没有应答,请稍后再试", "the sign-in service does not answer for a moment", retry_after=2
    )
