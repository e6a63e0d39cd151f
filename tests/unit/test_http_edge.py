"""Problem documents, headers, paging, idempotency keys and the limiter, as a caller meets them."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Conflict, FieldError, Invalid, Poison, Refused, RefusedError, Transient
from shared.http.app import install
from shared.http.auth import Principal, Verifier, anyone, check_guards, public
from shared.http.idempotency import Scope, idempotency
from shared.http.limiter import RateLimiter
from shared.http.paging import Paging, cursor, paging
from shared.http.refusals import HttpError, extended, not_found
from tests.unit.test_http_auth import CLERK, KEY, bearer, verifier


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=3)
    id_no: str = Field(pattern=r"^\d{18}$")


class Body(BaseModel):
    people: list[Person]
    on: date


def app_raising(error=None):
    router = APIRouter(dependencies=[public()])

    @router.get("/raise")
    async def fail():
        raise error

    @router.post("/body")
    async def body(body: Body):
        return "fine"

    @router.get("/list")
    async def rows(paging: Annotated[Paging, Depends(paging)], year: Annotated[int, Query()] = 2026):
        after = paging.place(int)
        found = [n for n in range(7) if after is None or n > after[0]][: paging.fetch]
        return paging.page(found, lambda n: (n,), lambda n: {"n": n})

    app = FastAPI(redoc_url=None)
    install(app, verifier())
    app.include_router(router)
    check_guards(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


REFUSED = RefusedError(Refused("TOO_YOUNG", "《武汉市高龄津贴办法》第三条", "未满八十周岁", "under eighty"))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (REFUSED, 422, "TOO_YOUNG"),
        (RefusedError(Refused("FOUR_EYES")), 403, "FOUR_EYES"),
        (RefusedError(Refused("DUPLICATE_APPLICATION")), 409, "DUPLICATE_APPLICATION"),
        (Conflict("LEASE_LOST", "领取已失效", "the lease is lost"), 409, "LEASE_LOST"),
        (Conflict("IDEMPOTENCY_KEY_REUSED"), 422, "IDEMPOTENCY_KEY_REUSED"),
        (Invalid([FieldError("/form/death/date", "FUTURE", "不得晚于今天 / not in the future")]), 422, "INVALID"),
        (Invalid([FieldError("", "IDEMPOTENCY_KEY_REUSED")]), 422, "IDEMPOTENCY_KEY_REUSED"),
        (Transient("数据库暂时不可用", "the database is away"), 503, "TRANSIENT"),
        (not_found(), 404, "NOT_FOUND"),
        (HttpError(415, "UNSUPPORTED_MEDIA_TYPE"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (Poison("secret of the inside"), 500, "INTERNAL"),
        (ZeroDivisionError("420112197003150014"), 500, "INTERNAL"),
    ],
    ids=lambda value: str(value) if not isinstance(value, Exception) else type(value).__name__,
)
async def test_every_error_is_one_problem_document(error, status, code):
    async with app_raising(error) as http:
        answer = await http.get("/raise")
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert {"type", "title", "status", "code", "detail", "errors"} <= body.keys()
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "inside" not in answer.text
    assert "420112197003150014" not in answer.text


async def test_an_error_may_bring_further_members_and_its_law():
    error = extended(RefusedError(Refused("DUPLICATE_APPLICATION")), existing={"matter": "m", "number": "1"})
    async with app_raising(error) as http:
        assert (await http.get("/raise")).json()["existing"] == {"matter": "m", "number": "1"}
    async with app_raising(REFUSED) as http:
        refused = (await http.get("/raise")).json()
    assert refused["law"] == "《武汉市高龄津贴办法》第三条"
    assert refused["detail"] == "未满八十周岁 / under eighty"


async def test_a_wrong_body_names_every_wrong_field_and_repeats_none_of_it():
    people = [{"name": "李国强啊", "id_no": "42011219700315001X"}, {"name": "李明", "id_no": "1" * 18, "age": 3}]
    async with app_raising() as http:
        answer = await http.post("/body", json={"people": people})
    found = {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert answer.status_code == 422
    assert found == {
        ("/people/0/name", "TOO_LONG"),
        ("/people/0/id_no", "FORMAT"),
        ("/people/1/age", "UNKNOWN_FIELD"),
        ("/on", "REQUIRED"),
    }
    assert "42011219700315001X" not in answer.text
    assert all(" / " in e["message"] for e in answer.json()["errors"])


async def test_a_broken_or_too_large_body_is_a_problem_document():
    json = {"content-type": "application/json"}
    async with app_raising() as http:
        broken = await http.post("/body", content=b"{", headers=json)
        large = await http.post("/body", content=b" " * 1_100_000, headers=json)
    assert (broken.status_code, broken.json()["errors"][0]["code"]) == (422, "JSON_INVALID")
    assert (large.status_code, large.json()["code"]) == (413, "TOO_LARGE")


async def test_an_unknown_address_or_method_is_a_problem_document():
    async with app_raising() as http:
        unknown, wrong = await http.get("/nowhere"), await http.put("/body")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_every_answer_carries_the_request_id_and_the_security_headers():
    async with app_raising(ZeroDivisionError()) as http:
        own = await http.get("/list", headers={"x-request-id": "window-3-000017"})
        odd = await http.get("/raise", headers={"x-request-id": "<script>"})
        docs = await http.get("/docs")
    assert own.headers["x-request-id"] == "window-3-000017"
    assert UUID(odd.headers["x-request-id"]).version == 7
    for answer in (own, odd):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
    assert docs.status_code == 200
    assert "//" not in docs.headers["content-security-policy"]


async def test_a_list_is_read_page_by_page_to_its_end():
    after: dict[str, str] = {}
    seen = []
    async with app_raising() as http:
        for _ in range(4):
            page = (await http.get("/list", params={"limit": 3, **after})).json()
            seen += [row["n"] for row in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
    assert seen == list(range(7))


@pytest.mark.parametrize("after", ["x", "", "%%%", "é", cursor("a"), cursor(1, 2), cursor(True)])
async def test_a_cursor_that_is_not_ours_is_refused_by_name(after):
    async with app_raising() as http:
        answer = await http.get("/list", params={"after": after})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "pointer": "/query/after",
        "code": "CURSOR_INVALID",
        "message": "翻页位置无效,请从第一页开始 / this is no place in this list: start at its beginning",
    }


async def test_a_wrong_query_is_named_with_where_it_stands():
    async with app_raising() as http:
        errors = (await http.get("/list", params={"limit": 0, "year": "x"})).json()["errors"]
    assert {(e["pointer"], e["code"]) for e in errors} == {("/query/limit", "OUT_OF_RANGE"), ("/query/year", "FORMAT")}


@given(st.tuples(st.datetimes(timezones=st.just(UTC)), st.uuids(), st.text(), st.integers(0, 2**60), st.dates()))
def test_a_cursor_brings_back_the_key_it_was_made_of(key):
    assert Paging(cursor(*key)).place(datetime, UUID, str, int, date) == key


def keyed_app():
    app, router = FastAPI(redoc_url=None), APIRouter()

    @router.post("/things/{n}")
    async def things(
        n: int,
        body: dict[str, int],
        who: Annotated[Principal, anyone()],
        scope: Annotated[Scope, Depends(idempotency)],
    ):
        return [part.decode() if isinstance(part, bytes) else part for part in scope]

    install(app, Verifier({"1-a": KEY.public_key()}, verifier()._clock))
    app.include_router(router)
    check_guards(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


async def test_a_creating_post_needs_a_key_of_the_right_form():
    who = bearer(CLERK)
    async with keyed_app() as http:
        good = await http.post("/things/7", json={"a": 1}, headers=who | {"Idempotency-Key": "k-1"})
        none = await http.post("/things/7", json={"a": 1}, headers=who)
        bad = [
            await http.post("/things/7", json={"a": 1}, headers=who | {"Idempotency-Key": key})
            for key in ("", "a b", "x" * 201)
        ]
        stranger = await http.post("/things/7", json={"a": 1})
    assert good.json() == ["clerk", "POST /things/7", "k-1", '{"a":1}']
    assert (none.status_code, none.json()["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert {(b.status_code, b.json()["code"]) for b in bad} == {(400, "IDEMPOTENCY_KEY_INVALID")}
    assert stranger.status_code == 401


def test_the_limiter_lets_a_burst_in_and_refills_evenly():
    now = [100.0]
    limiter = RateLimiter(3, 30, clock=lambda: now[0])
    assert [limiter.wait("a") for _ in range(3)] == [0, 0, 0]
    assert limiter.wait("a") == pytest.approx(10)
    assert limiter.wait("b") == 0
    now[0] += 10
    assert limiter.wait("a") == 0
    with pytest.raises(HttpError) as refused:
        limiter.check("a")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "10")


def test_the_limiter_does_not_grow_with_the_number_of_strangers():
    limiter = RateLimiter(1, 60, keys=10)
    for n in range(100):
        limiter.wait(str(n))
    assert len(limiter._full_at) == 10
