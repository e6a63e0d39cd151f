"""Requests that no client of good will sends: each is answered by one whole problem document, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI, Form

from shared.http.app import MAX_HEADER_BYTES, install
from shared.http.auth import check_guards, public
from tests.unit.test_http_auth import verifier

MEMBERS = {"type", "title", "status", "code", "detail", "errors"}
JSON = {"content-type": "application/json"}


def http() -> httpx.AsyncClient:
    router = APIRouter(dependencies=[public()])

    @router.get("/thing")
    async def look() -> dict[str, str]:
        return {"it": "is here"}

    @router.post("/thing")
    async def change(body: Annotated[dict[str, Any], Body()]) -> str:
        return "changed"

    @router.post("/form")
    async def enter(name: Annotated[str, Form()]) -> str:
        return name

    @router.post("/bare")
    async def act() -> str:
        return "done"

    app = FastAPI(redoc_url=None)
    install(app, verifier())
    app.include_router(router)
    check_guards(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


def body(content: bytes, **headers: str) -> dict[str, Any]:
    return {"content": content, "headers": {**JSON, **{name.replace("_", "-"): text for name, text in headers.items()}}}


ODD: Mapping[str, tuple[str, str, dict[str, Any], int, str]] = {
    "an unknown address": ("GET", "/nowhere", {}, 404, "NOT_FOUND"),
    "another method": ("DELETE", "/thing", {}, 405, "METHOD_NOT_ALLOWED"),
    "which methods": ("OPTIONS", "/thing", {}, 405, "METHOD_NOT_ALLOWED"),
    "no JSON": ("POST", "/thing", body(b"{"), 422, "INVALID"),
    "a list": ("POST", "/thing", body(b"[]"), 422, "INVALID"),
    "nothing": ("POST", "/thing", body(b""), 422, "INVALID"),
    "a name twice": ("POST", "/thing", body(b'{"a":1,"a":2}'), 400, "BAD_REQUEST"),
    "a name twice within": ("POST", "/thing", body(b'{"b":[{"a":1,"\\u0061":2}]}'), 400, "BAD_REQUEST"),
    "not a number": ("POST", "/thing", body(b'{"a":NaN}'), 400, "BAD_REQUEST"),
    "endless": ("POST", "/thing", body(b'{"a":1e999}'), 400, "BAD_REQUEST"),
    "a huge number": ("POST", "/thing", body(b'{"a":' + b"9" * 5000 + b"}"), 400, "BAD_REQUEST"),
    "half a character": ("POST", "/thing", body(b'{"a":"\\ud800"}'), 400, "BAD_REQUEST"),
    "a NUL": ("POST", "/thing", body(b'{"a":"\\u0000"}'), 400, "BAD_REQUEST"),
    "very deep": ("POST", "/thing", body(b"[" * 5000 + b"]" * 5000), 400, "BAD_REQUEST"),
    "too large": ("POST", "/thing", body(b'{"a":"' + b"x" * 1_100_000 + b'"}'), 413, "TOO_LARGE"),
    "plain text": ("POST", "/thing", body(b"{}", content_type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no type": ("POST", "/thing", {"content": b"{}"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a form for JSON": ("POST", "/thing", {"data": {"a": "1"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "JSON for a form": ("POST", "/form", {"json": {"name": "x"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another charset": (
        *("POST", "/thing", body("一".encode("gbk"), content_type="application/json; charset=gbk")),
        *(415, "UNSUPPORTED_MEDIA_TYPE"),
    ),
    "packed": ("POST", "/thing", body(b"\x1f\x8b\x08", content_encoding="gzip"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "large headers": ("GET", "/thing", {"headers": {"a": "x" * MAX_HEADER_BYTES}}, 431, "HEADERS_TOO_LARGE"),
    "figures through a gateway": ("GET", "/metrics", {"headers": {"via": "1.1 gate"}}, 404, "NOT_FOUND"),
}


@pytest.mark.parametrize("what", ODD)
async def test_whatever_is_sent_the_answer_is_a_whole_problem_document(what: str) -> None:
    method, path, request, status, code = ODD[what]
    async with http() as client:
        answer = await client.request(method, path, **request)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert told.keys() == MEMBERS
    assert told["type"] == f"urn:onewindow:problem:{code.lower()}"
    assert all(" / " in text for text in (told["title"], told["detail"], *(e["message"] for e in told["errors"])))
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"a": 1}},
        body(b'{"a":1}', content_type="application/merge-patch+json"),
        body('{"a":"一"}'.encode(), content_type="application/json; charset=UTF-8"),
        body(b'{"a":[{"b":1},{"b":2}],"b":3}', content_encoding="identity"),
    ],
)
async def test_what_is_sent_well_is_read(request_: dict[str, Any]) -> None:
    async with http() as client:
        assert (await client.post("/thing", **request_)).status_code == 200
        assert (await client.post("/form", data={"name": "一"})).json() == "一"
        assert (await client.post("/bare")).json() == "done"


async def test_a_head_is_a_look_without_its_body() -> None:
    async with http() as client:
        for path in ("/thing", "/nowhere", "/docs"):
            head, look = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (look.status_code, b""), path
            assert head.headers["content-length"] == look.headers["content-length"]
            assert head.headers["content-type"] == look.headers["content-type"]


async def test_the_bare_address_leads_to_the_pages_of_the_api() -> None:
    async with http() as client:
        led = await client.get("/")
        shown = await client.get("/", follow_redirects=True)
    assert (led.status_code, led.headers["location"]) == (307, "/docs")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
