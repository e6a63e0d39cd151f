"""Every operation of the OpenAPI document, with what fits it and what does not: no answer is a fault of ours, none is
undocumented, each has the shape that the document gives it, and nobody is told of other people.

Schemathesis makes the requests, always the same ones; they are sent here, on the platform's own loop.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.attack import token
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
CALLERS = (None, "window", "owner", "operator")
EXAMPLES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 3}
NOT_SENT = re.compile(r"(GET|POST) /api/dev/.*")
"""They move the clock and make up facts, for everybody on this platform."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXPECTED_5XX = {("GET", 503)}
"""A version that has not come yet (`min_version`) is asked for again later."""


def cases_of(operation: Any) -> Iterator[Case]:
    """Some requests that fit the operation and some that do not, the same each time."""
    for mode, examples in EXAMPLES.items():
        yield from _made(operation.as_strategy(generation_mode=mode), examples)


def _made(strategy: Any, examples: int) -> list[Case]:
    found: list[Case] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def collect(case: Case) -> None:
        found.append(case)

    with contextlib.suppress(Unsatisfiable):  # nothing that does not fit can be said of it
        collect()
    return found


def places(world: Mapping[str, Any]) -> dict[str, str]:
    """What stands in an address, as it is there: else nothing but 404 would be seen."""
    return {
        "no": world["closed"]["application_no"],
        "case_id": world["closed"]["case_id"],
        "item_id": world["stop"],
        "draft_id": world["draft"],
        "paper_id": world["receipt"],
        "service": "intake",
        "sha256": world["definition"],
    }


def address(path: str, world: Mapping[str, Any]) -> str:
    """The route's address with what is known to be there; the task is one of the service that the path names."""
    known = places(world)
    for service, name in (("elderly", "review"), ("assistance", "relief"), ("funeral", "cremation")):
        if path.startswith(f"/api/{service}/"):
            known["task_id"] = world[name]["id"]
    return re.sub(r"\{(\w+)\}", lambda m: str(known.get(m[1], "0190c0de-0000-7000-8000-00000000abcd")), path)


async def send(platform: Hosted, case: Case, who: str | None, path: str | None) -> httpx.Response:
    """The request as it was made up, as one person; `path` in place of its address."""
    made = case.as_transport_kwargs(base_url="http://onewindow.test")
    asked = requests.Request(**{k: v for k, v in made.items() if k in _PARTS}).prepare()
    headers = {name: value for name, value in asked.headers.items() if name.lower() != "authorization"}
    if who is not None:
        headers["Authorization"] = f"Bearer {token(platform, who)}"
    url = httpx.URL(str(asked.url))
    if path is not None:
        url = url.copy_with(raw_path=quote(path).encode() + (b"?" + url.query if url.query else b""))
    async with platform.client(None) as client:
        raw = {name.encode("utf-8", "ignore"): value.encode("utf-8", "ignore") for name, value in headers.items()}
        body = asked.body.encode() if isinstance(asked.body, str) else asked.body
        return await client.send(httpx.Request(str(asked.method), url, headers=list(raw.items()), content=body))


_PARTS = ("method", "url", "headers", "params", "data", "json", "files", "cookies")


def faults(case: Case, answer: httpx.Response) -> str:
    """What the document does not allow of the answer; nothing when all is well."""
    expected = (answer.request.method, answer.status_code) in EXPECTED_5XX
    checks = [check for check in CHECKS if not (expected and check is not_a_server_error)]
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as group:
        return "; ".join(f"{type(f).__name__}: {f}" for f in group.exceptions)[:600]
    return ""


async def test_no_answer_is_a_fault_undocumented_misshapen_or_about_others(platform: Hosted, world: Any) -> None:
    schema = schemathesis.openapi.from_dict(platform.app.openapi())
    wrong: dict[tuple[str, str | None, int], str] = {}
    told: dict[str, set[str]] = {}
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if NOT_SENT.fullmatch(operation.label):
            continue
        for number, case in enumerate(cases_of(operation)):
            who = CALLERS[number % len(CALLERS)]
            for caller in {who, "window"}:
                path = address(operation.path, world) if number % 2 == 0 else None
                answer = await send(platform, case, caller, path)
                sent += 1
                if fault := faults(case, answer):
                    wrong.setdefault((operation.label, caller, answer.status_code), fault)
                if caller != "owner" and (said := {s for s in world["secrets"] if s in answer.text}):
                    told.setdefault(f"{operation.label} as {caller}", set()).update(said)
    assert wrong == {}, "\n".join(f"{where}: {what}" for where, what in wrong.items())
    # Where a receiving clerk may ask for what is whole, on a ground and on record.
    unmasked = {f"GET /api/intake/applications/{{no}}{rest} as window" for rest in ("", "/papers/{paper_id}")}
    assert {where: said for where, said in told.items() if where not in unmasked} == {}
    assert sent > 400, "nearly every operation was asked"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, {"code": "INTERNAL"}, "ServerError"),
        (418, {}, "UndefinedStatusCode"),
        (200, {"account": "clerk"}, "JsonSchemaError"),
        (200, "<html>", "UndefinedContentType"),
    ],
)
def test_a_planted_answer_is_noticed(platform: Hosted, status: int, body: Any, kind: str) -> None:
    schema = schemathesis.openapi.from_dict(platform.app.openapi())
    case = schema["/api/auth/me"]["GET"].Case()
    content = {"text": body} if isinstance(body, str) else {"json": body}
    answer = httpx.Response(status, request=httpx.Request("GET", "http://t/api/auth/me"), **content)
    answer.elapsed = timedelta(milliseconds=1)
    assert kind in faults(case, answer)
