"""Tokens of the outside issuer at the edge: what is forged neither pushes out what is good nor is asked about for ever."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import httpx
import orjson
import pytest

from shared.http.outside import Exchange
from shared.http.refusals import HttpError

ISSUER = "https://id.example"


def made(name: str) -> str:
    """A token that says it is the issuer's."""
    body = urlsafe_b64encode(orjson.dumps({"iss": ISSUER, "sub": name})).decode().rstrip("=")
    return f"e30.{body}.x"


class Door:
    """Where tokens are exchanged: it lets in whoever is called good, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        token = dict(httpx.QueryParams(request.content.decode()))["assertion"]
        self.asked.append(token)
        if token == made("good"):
            return httpx.Response(200, json={"access_token": "ours", "expires_in": 900})
        return httpx.Response(401, json={})


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def exchange(door: Door) -> Exchange:
    client = httpx.AsyncClient(transport=httpx.MockTransport(door), base_url="http://here")
    return Exchange(ISSUER, client, lambda _: True)


async def refused(exchange: Exchange, token: str, address: str) -> Any:
    """What whoever sent it is told: nothing (401 follows), or when to come back."""
    try:
        return await exchange.own(token, address)
    except HttpError as refusal:
        return refusal.status


async def test_forged_tokens_push_no_good_one_out(exchange: Exchange, door: Door) -> None:
    assert await exchange.own(made("good"), "10.0.0.1") == "ours"
    for n in range(3000):
        await refused(exchange, made(f"forged {n}"), f"10.1.{n // 200}.1")
    door.asked.clear()
    assert await exchange.own(made("good"), "10.0.0.1") == "ours"
    assert door.asked == []


async def test_an_address_that_forges_is_slowed_and_no_other(exchange: Exchange, door: Door) -> None:
    told = [await refused(exchange, made(f"forged {n}"), "10.6.6.6") for n in range(1000)]
    assert set(told) == {None, 429}
    assert len(door.asked) < 400, "each is verified, and written into a log"
    assert await exchange.own(made("good"), "10.0.0.1") == "ours"
    assert await exchange.own(made("good"), "10.6.6.6") == "ours", "what is known to be good goes on from anywhere"


async def test_one_bad_token_sent_again_and_again_is_one(exchange: Exchange, door: Door) -> None:
    assert {await refused(exchange, made("old"), "10.0.0.1") for _ in range(1000)} == {None}
    assert len(door.asked) == 1
