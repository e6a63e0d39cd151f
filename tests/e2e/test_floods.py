"""One request that would keep the whole platform busy: each is answered in less than the blink of a lease."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from services.intake.api import drafts
from shared.clock import new_id
from shared.config import Settings
from shared.runtime.host import Host
from tests.e2e.acting import allowance, person
from tests.support.attack import call
from tests.support.database import Server
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
APPLICATIONS = "/api/intake/applications"
AT_ONCE = 5.0
"""Seconds of this process's own work, whatever else the machine does: each of these took from ten to hundreds, in which no
other request, lease or message was served."""

MARKS = "4" + "\u0315" * 60_000 + "\u0300" * 60_000
"""Unicode puts combining marks into order one by one: twice as many take four times as long."""


async def timed(platform: Hosted, who: str | None, method: str, path: str, **more: Any) -> Any:
    began = process_time()
    answer = await call(platform, who, method, path, **more)
    assert process_time() - began < AT_ONCE, (path, process_time() - began)
    return answer


async def test_endless_combining_marks_are_no_number_and_cost_nothing(platform: Hosted) -> None:
    raw = allowance(person("戊"))
    somebody = {**raw["applicant"], "id_no": MARKS}
    bodies = [
        {**raw, "matters": ["funeral.fee_waiver"], "subject": somebody},
        {**raw, "applicant": somebody},
        {**raw, "accept_region": MARKS},
        {**raw, "applicant": {**raw["applicant"], "name": MARKS}},
    ]
    for body in bodies:
        for who in ("window", "owner"):
            answer = await timed(platform, who, "POST", APPLICATIONS, json=body)
            assert answer.status_code == 422, answer.text[:300]
    for name in ("id_no", "name", "number"):
        answer = await timed(platform, "window", "POST", f"{APPLICATIONS}/search", json={name: MARKS})
        assert answer.status_code == 422


@pytest.mark.parametrize("charset", ["punycode", "PUNYCODE", "idna", "undefined", "utf-16", "zlib"])
async def test_a_form_chooses_no_way_to_read_it(platform: Hosted, charset: str) -> None:
    """`bytes.decode('punycode')` takes minutes for a megabyte, and the sender names the codec."""
    part = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nab-' + b"a" * 900_000 + b"\r\n--x--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    for who, path in ((None, "/api/auth/token"), ("owner", "/api/intake/files")):
        answer = await timed(platform, who, "POST", path, content=part, headers=kind)
        assert answer.status_code == 415, answer.text[:300]
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_form_in_utf_8_is_still_read(platform: Hosted) -> None:
    for charset in ("", "; charset=utf-8", '; charset="UTF-8"'):
        part = b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\npassword\r\n--x--\r\n'
        kind = {"Content-Type": f"multipart/form-data; boundary=x{charset}"}
        answer = await timed(platform, None, "POST", "/api/auth/token", content=part, headers=kind)
        assert {e["pointer"] for e in answer.json()["errors"]} == {"/username", "/password"}


async def test_a_draft_of_endless_marks_is_kept_and_never_handed_in(platform: Hosted) -> None:
    raw = allowance(person("己"))
    path = "/api/intake/drafts/00000000-0000-4000-8000-00000000f100"
    content = {**raw, "matters": ["funeral.fee_waiver"], "subject": {**raw["applicant"], "id_no": MARKS}}
    assert (
        await timed(platform, "window", "PUT", path, content=orjson.dumps(content), headers=JSON)
    ).status_code == 200
    answer = await timed(platform, "window", "POST", APPLICATIONS, json={"draft_id": path.rpartition("/")[2]})
    assert answer.status_code == 422


async def test_a_process_of_one_service_describes_the_whole_once(server: Server, tmp_path: Path) -> None:
    """Anybody may ask, and it takes two seconds to make."""
    settings = Settings(database_url=await server.new_database(), keys=tmp_path / "keys", clock="system")
    async with Host(settings, ["access"]).running() as host:
        alone = Hosted(host)
        first = (await call(alone, None, "GET", "/openapi.json")).text
        began = process_time()
        assert {(await call(alone, None, "GET", "/openapi.json")).text for _ in range(5)} == {first}
        assert process_time() - began < AT_ONCE
        assert "/api/intake/applications" in first


JSON = {"Content-Type": "application/json"}


async def test_a_citizen_goes_on_with_a_draft_and_cannot_hoard_them(
    platform: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(draft: UUID) -> httpx.Response:
        async with platform.client("citizen") as client:
            return await client.put(f"/api/intake/drafts/{draft}", json={"bundle": "bereavement"})

    first, second = new_id(), new_id()
    owner = (await platform.get("/api/auth/me", "citizen")).json()["account"]
    async with platform.host.db.transaction(None) as conn:
        before = await conn.fetchval("SELECT count(*) FROM intake.draft WHERE owner = $1", owner)
    monkeypatch.setattr(drafts, "MOST_DRAFTS", before + 1)
    assert (await keep(first)).status_code == httpx.codes.OK
    refused = await keep(second)
    assert (refused.status_code, refused.json()["code"]) == (httpx.codes.CONFLICT, "DRAFTS_WAITING")
    assert (await platform.get(f"/api/intake/drafts/{second}", "citizen")).status_code == httpx.codes.NOT_FOUND
    assert (await keep(first)).status_code == httpx.codes.OK
