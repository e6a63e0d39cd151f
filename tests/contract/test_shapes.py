"""Real answers of the running platform against the shapes that the public contract fixes, and the OpenAPI document.

`CONTRACT` holds the names the contract gives; `BEYOND` the further ones that we give, so that each is meant.
"""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest

from shared.application_no import check_application_no
from shared.clock import new_id
from shared.errors import FieldError
from tests.e2e.acting import allowance, bereavement, claim, ended, family, item_of, person, report, say, task, when
from tests.support.catalogue import SAMPLE
from tests.support.openapi import differences, schema_of
from tests.support.platform import PASSWORD, Hosted

pytestmark = pytest.mark.e2e

APPLICATION = (
    "application_no case_id version status outcome bundle accept_region channel received_at accepted_at clock items"
    " materials papers"
)
ITEM = "id matter service nature status stage stage_name round due lamp waiting_on external_no result"
TASK = "id service kind stage state matter application_no case_id item_id unit region due lamp holder lease_until"
MATTER = (
    "code name official_name aliases basic_code version nature conditions form materials limits law authorities papers"
)
CONTRACT = {"application": APPLICATION, "item": ITEM, "task": TASK, "matter": MATTER}
BEYOND = {
    "application": "not_asked tolerances commitments",
    "item": "findings",
    "task": "provisional role reason_code opened_at closed_at data",
    "matter": "service task_type labels parties after facts rests_on joins check pauses intimate whose once yields not_asked",
}
STATUSES = [
    "draft",
    "submitted",
    "correcting",
    "in_progress",
    "partial",
    "closed",
    "not_accepted",
    "withdrawn",
    "terminated",
]
ITEM_STATUSES = [
    "waiting",
    "requested",
    "correcting",
    "accepted",
    "reviewing",
    "paused",
    "approved",
    "denied",
    "not_applicable",
    "not_accepted",
    "returned",
    "withdrawn",
    "terminated",
    "revoked",
]
LAMPS = ["green", "yellow", "red", "legal_red", "grey"]
WAITS = ["prerequisite", "applicant", "task", "source", "department", "time", "operator"]
MONEY = re.compile(r"-?[0-9]+\.[0-9]{2}")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
PROBLEM = {"type", "title", "status", "code", "detail", "errors"}


def exactly(kind: str, found, *more: str) -> None:
    """All the contract's names and ours, and none beside."""
    assert set(found) == {*CONTRACT[kind].split(), *BEYOND[kind].split(), *more}


def is_day(text) -> None:
    assert text is None or date.fromisoformat(text).isoformat() == text


def is_moment(text) -> None:
    assert text is None or datetime.fromisoformat(text).utcoffset() is not None


def is_due(due) -> None:
    assert set(due) == {"promised", "legal", "provisional"}
    is_day(due["promised"])
    is_day(due["legal"])
    assert isinstance(due["provisional"], bool)


def is_clock(clock) -> None:
    assert set(clock) == {"examination", "handling", "whole"}
    assert set(clock["examination"]) == {"due", "lamp"}
    is_day(clock["examination"]["due"])
    assert clock["examination"]["lamp"] in LAMPS
    if clock["handling"] is not None:
        assert set(clock["handling"]) == {"promised", "legal", "provisional", "lamp"}
        is_due({name: clock["handling"][name] for name in ("promised", "legal", "provisional")})


def is_item(item) -> None:
    exactly("item", item)
    assert item["status"] in ITEM_STATUSES
    assert item["lamp"] in LAMPS
    is_due(item["due"])
    if item["waiting_on"] is not None:
        assert set(item["waiting_on"]) == {"kind", "name", "since", "until"}
        assert item["waiting_on"]["kind"] in WAITS
        is_moment(item["waiting_on"]["since"])
        is_day(item["waiting_on"]["until"])
    if item["result"] is not None:
        assert {"outcome", "reason_code", "law"} <= set(item["result"])
        assert item["result"]["reason_code"]
        assert item["result"]["law"]


def is_application(application, *more: str) -> None:
    exactly("application", application, *more)
    assert check_application_no(application["application_no"])
    assert application["status"] in STATUSES
    assert application["outcome"] in ("approved", "partly_approved", "denied", None)
    is_moment(application["received_at"])
    is_moment(application["accepted_at"])
    is_clock(application["clock"])
    for item in application["items"]:
        is_item(item)


async def documented(platform: Hosted, method: str, path: str, answer) -> None:
    """What the OpenAPI document says of this answer is so."""
    document = platform.app.openapi()
    schema = schema_of(document, method, path, answer.status_code)
    assert "$ref" in schema, f"{path} has no model of its answer"
    assert differences(document, schema, answer.json()) == []


def is_problem(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    found = answer.json()
    assert set(found) >= PROBLEM
    assert (found["status"], found["code"]) == (status, code)
    assert "/" in found["title"]
    fields = set(FieldError.__dataclass_fields__)
    assert fields == {"pointer", "code", "message"}
    assert all(set(error) == fields and error["code"] and error["message"] for error in found["errors"])


async def test_an_application_has_the_contract_s_shape_from_receiving_to_its_end(platform: Hosted) -> None:
    of = family(platform)
    received = await platform.post("/api/intake/applications", bereavement(platform, of))
    await documented(platform, "post", "/api/intake/applications", received)
    given = received.json()
    is_application(given, "query_code")
    number = given["application_no"]
    assert (number[:6], number[6:14], number[14:16]) == ("420112", given["received_at"][:10].replace("-", ""), "01")
    assert {i["matter"]: i["status"] for i in given["items"]} == {
        "funeral.cremation": "requested",
        "funeral.fee_waiver": "waiting",
        "elderly.benefit_stop": "waiting",
        "assistance.benefit_stop": "waiting",
        "marriage.record_annotation": "waiting",
    }
    closed = await ended(platform, number)
    is_application(closed, "parties")
    seen = await platform.get(f"/api/intake/applications/{number}", min_version=closed["version"])
    await documented(platform, "get", "/api/intake/applications/{no}", seen)
    assert (closed["status"], closed["outcome"]) == ("closed", "approved")
    assert {"receipt", "approval", "not_applicable"} <= {paper["kind"] for paper in closed["papers"]}
    assert {frozenset(paper) for paper in closed["papers"]} == {
        frozenset({"id", "kind", "title", "issued_at", "delivered_at"})
    }
    path = f"/api/intake/applications/{number}/papers/{closed['papers'][0]['id']}"
    await documented(platform, "get", "/api/intake/applications/{no}/papers/{paper_id}", await platform.get(path))
    assert closed["accepted_at"] is not None
    lines = await platform.get(f"/api/intake/applications/{number}/timeline")
    await documented(platform, "get", "/api/intake/applications/{no}/timeline", lines)
    graph = await platform.get(f"/api/coordinator/cases/{closed['case_id']}", "handler", min_version=1)
    await documented(platform, "get", "/api/coordinator/cases/{case_id}", graph)
    shown = await platform.get(f"/api/intake/progress/{number}", None, code=given["query_code"])
    await documented(platform, "get", "/api/intake/progress/{no}", shown)
    found = await platform.post("/api/intake/applications/search", {"number": number})
    await documented(platform, "post", "/api/intake/applications/search", found)


async def test_the_main_job_ends_with_the_contract_s_figures(platform: Hosted) -> None:
    raw = {**SAMPLE, "subject": person("李国强").party("deceased")}
    given = await platform.submit(raw)
    closed = await ended(platform, given["application_no"])
    waived = item_of(closed, "funeral.fee_waiver")["result"]
    stopped = item_of(closed, "elderly.benefit_stop")["result"]
    assert (waived["amount"], waived["waived"], waived["family_pays"]) == ("980.00", "980.00", "0.00")
    assert (stopped["from"], stopped["owed"], stopped["overpaid"]) == ("2026-12", "200.00", "0.00")
    assert stopped["schemes"][0]["owed_months"] == ["2026-10", "2026-11"]
    assert MONTH.fullmatch(stopped["from"])
    assert all(MONEY.fullmatch(stopped[name]) for name in ("owed", "overpaid"))
    natures = {i["matter"]: i["nature"] for i in closed["items"]}
    assert natures == {
        "funeral.cremation": "notification",
        "funeral.fee_waiver": "on_application",
        "elderly.benefit_stop": "ex_officio",
        "assistance.benefit_stop": "ex_officio",
        "marriage.record_annotation": "ex_officio",
    }
    assert item_of(closed, "assistance.benefit_stop")["status"] == "not_applicable"


async def test_a_task_has_the_contract_s_shape_from_the_list_to_its_decision(platform: Hosted) -> None:
    old = person("邱长庚")
    given = await platform.submit(allowance(old))
    at = await task(platform, "elderly", given["application_no"], "handler", "age_allowance_review")
    exactly("task", at)
    assert (at["state"], at["lamp"]) == ("open", "green")
    is_day(at["due"])
    listed = await platform.get("/api/elderly/tasks", "handler", state="open")
    assert set(listed.json()) == {"items", "next"}
    await documented(platform, "get", "/api/elderly/tasks", listed)
    looked = await platform.get(f"/api/elderly/tasks/{at['id']}", "handler")
    await documented(platform, "get", "/api/elderly/tasks/{task_id}", looked)
    held = await claim(platform, at, "handler")
    assert set(held.json()) == {"lease", "expires_at"}
    await documented(platform, "post", "/api/elderly/tasks/{task_id}/claim", held)
    body = {"lease": held.json()["lease"], "outcome": "approve", "reason_code": "", "comment": ""}
    path = f"/api/elderly/tasks/{at['id']}/decision"
    wrong = await platform.post(path, {**body, "lease": str(new_id())}, "handler")
    is_problem(wrong, 409, "LEASE_LOST")
    assert wrong.json()["state"] == "claimed"
    words = await platform.post(path, {**body, "reason_code": "王奶奶已领取"}, "handler")
    is_problem(words, 422, "INVALID")  # a reason code is published: what is said in words goes into `comment`
    assert [e["pointer"] for e in words.json()["errors"]] == ["/reason_code"]
    done = await platform.post(path, body, "handler")
    await documented(platform, "post", "/api/elderly/tasks/{task_id}/decision", done)
    exactly("task", done.json(), "version")
    after = await platform.get(f"/api/elderly/tasks/{at['id']}", "handler", min_version=done.json()["version"])
    assert after.json()["state"] == "done"
    assert done.json()["state"] == "done"
    is_problem(await platform.post(path, body, "handler"), 409, "TASK_CLOSED")


async def test_whoever_received_an_application_does_not_decide_it(platform: Hosted) -> None:
    given = await platform.submit(allowance(person("尤两手")))
    number = given["application_no"]
    first = await task(platform, "elderly", number, "handler", "age_allowance_review")
    lease = (await claim(platform, first, "handler")).json()["lease"]
    body = {"lease": lease, "outcome": "approve"}
    assert (await platform.post(f"/api/elderly/tasks/{first['id']}/decision", body, "handler")).status_code == 200
    second = await task(platform, "elderly", number, "approver", "age_allowance_approval")
    looked = await platform.get(f"/api/elderly/tasks/{second['id']}", "handler")
    assert looked.json()["may_act"] is False


async def test_an_item_that_waits_says_for_whom_since_when(platform: Hosted) -> None:
    of = family(platform)
    await say(platform, "cremation", of.deceased, "silent")
    given = await platform.submit(bereavement(platform, of))
    check = await when(
        platform,
        given["application_no"],
        lambda a: item_of(a, "funeral.fee_waiver")["waiting_on"] and item_of(a, "funeral.cremation")["waiting_on"],
        "to say for whom it waits",
    )
    assert item_of(check, "funeral.cremation")["waiting_on"]["kind"] == "department"
    waiting = item_of(check, "funeral.fee_waiver")["waiting_on"]
    assert (waiting["kind"], waiting["name"]) == ("prerequisite", "funeral.cremation")
    reported = await platform.post("/api/funeral/cremations", report(of, "HH-SHAPE-1"), "funeral_home")
    await documented(platform, "post", "/api/funeral/cremations", reported)
    await ended(platform, given["application_no"])


async def test_the_catalogue_has_the_contract_s_shapes(platform: Hosted) -> None:
    whole = await platform.get("/api/catalogue", None)
    await documented(platform, "get", "/api/catalogue", whole)
    assert set(whole.json()) == {"version", "bundles", "matters"}
    assert {frozenset(b) for b in whole.json()["bundles"]} == {frozenset({"code", "name", "local_name", "matters"})}
    assert {frozenset(m) for m in whole.json()["matters"]} == {
        frozenset({"code", "name", "service", "nature", "labels"})
    }
    for short in whole.json()["matters"]:
        matter = await platform.get(f"/api/catalogue/matters/{short['code']}", None)
        await documented(platform, "get", "/api/catalogue/matters/{code}", matter)
        found = matter.json()
        exactly("matter", found)
        assert {"promised", "legal"} <= set(found["limits"])
        beyond = {"secondary", "follows", "commits", "commitment"}
        assert all(set(m) - beyond == {"type", "name", "required", "fetched"} for m in found["materials"])
        assert found["limits"]["promised"]["unit"] in ("working", "calendar")
        assert all(law["confidence"] in ("核", "摘", "未核实") for law in found["law"])
    bundle = await platform.get("/api/catalogue/bundles/bereavement", None)
    await documented(platform, "get", "/api/catalogue/bundles/{code}", bundle)
    assert {"code", "name", "version", "form", "materials", "law", "papers"} <= set(bundle.json())


async def test_every_kind_of_refusal_is_a_problem_document_with_its_code(platform: Hosted) -> None:
    path, of = "/api/intake/applications", family(platform)
    raw, key = bereavement(platform, of), str(new_id())
    is_problem(await platform.get("/api/intake/applications/x", None), 401, "UNAUTHENTICATED")
    is_problem(await platform.post(path, raw, "funeral_home"), 403, "FORBIDDEN")
    is_problem(await platform.get("/api/intake/applications/420112202611210100000100", "clerk"), 404, "NOT_FOUND")
    is_problem(await platform.post(path, {**raw, "accept_region": "990099"}), 422, "INVALID")
    async with platform.client("clerk") as client:
        is_problem(await client.post(path, json=raw), 400, "IDEMPOTENCY_KEY_REQUIRED")
    given = await platform.post(path, raw, key=key)
    assert given.status_code == 201
    is_problem(await platform.post(path, {**raw, "channel": "paper"}, key=key), 422, "IDEMPOTENCY_KEY_REUSED")
    again = await platform.post(path, raw)
    is_problem(again, 409, "DUPLICATE_APPLICATION")
    assert {frozenset(e) for e in again.json()["existing"]} == {frozenset({"matter", "application_no"})}
    alone = {name: value for name, value in raw.items() if name != "bundle"} | {"matters": ["funeral.fee_waiver"]}
    alone = {**alone, "subject": person("施无前").party("deceased")}
    alone["form"] = {name: value for name, value in raw["form"].items() if name != "payee"}
    is_problem(await platform.post(path, alone), 422, "PREREQUISITE_MISSING")
    await ended(platform, given.json()["application_no"])


async def test_a_version_that_has_not_come_is_asked_for_again_later(platform: Hosted) -> None:
    given = await platform.submit(bereavement(platform, family(platform)))
    number = given["application_no"]
    answer = await platform.get(f"/api/intake/applications/{number}", min_version=10_000)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    await ended(platform, number)


async def test_a_token_and_its_keys_have_their_standards_shapes(platform: Hosted) -> None:
    async with platform.client(None) as client:
        form = {"grant_type": "password", "username": "clerk", "password": PASSWORD}
        token = await client.post("/api/auth/token", data=form)
        keys = await client.get("/api/auth/jwks")
    await documented(platform, "post", "/api/auth/token", token)
    await documented(platform, "get", "/api/auth/jwks", keys)
    assert {"access_token", "token_type", "expires_in"} <= set(token.json())
    assert token.json()["token_type"].lower() == "bearer"
    assert {k["kty"] for k in keys.json()["keys"]} <= {"OKP", "EC"}
    assert all("d" not in k for k in keys.json()["keys"])


async def test_every_route_of_the_contract_has_a_typed_answer_and_problems_in_the_document(platform: Hosted) -> None:
    document = platform.app.openapi()
    assert document["openapi"].startswith("3.1")
    loose = []
    for path, methods in document["paths"].items():
        if not path.startswith(("/api/intake", "/api/catalogue", "/api/coordinator", "/api/auth")) and (
            "/tasks" not in path and "/cremations" not in path
        ):
            continue
        for method, operation in methods.items():
            good = [
                status
                for status, answer in operation["responses"].items()
                if status.startswith("2") and "application/octet-stream" not in answer.get("content", {})
            ]
            if any("$ref" not in schema_of(document, method, path, int(status)) for status in good):
                loose.append((method, path))
            assert "application/problem+json" in operation["responses"]["400"]["content"]
    assert loose == []
