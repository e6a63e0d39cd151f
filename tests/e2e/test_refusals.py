"""Whoever is refused leaves a row: who wanted what, of which application, by which code; never what they typed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.access.domain.accounts import account_id
from shared.http.principal import Principal, RoleInUnit
from tests.e2e.acting import allowance, person
from tests.support.attack import call
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
SECRET = "绝不写下"
AT = "2026-11-21T10:00:00+08:00"
NOBODYS = "0190c0de-0000-7000-8000-000000000009"
PAPER = {"type": "photo", "source": "upload", "file_id": NOBODYS}

ACTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "supplement_application": (
        "window",
        "supplement",
        {"round": 9, "form": {SECRET: 1}, "materials": [PAPER]},
        "NOT_CORRECTING",
    ),
    "withdraw_application": ("window", "withdraw", {"matters": ["funeral.cremation"], "reason": SECRET}, "INVALID"),
    "object_to": ("window", "objections", {"fact": "secret_word", "reason": "other", "comment": SECRET}, ""),
    "return_material": ("window", "materials/photo/returned", {}, ""),
    "repair_commitment": ("county", "commitments/repaired", {}, ""),
    "rate_application": ("other window", "rating", {"grade": 1, "comment": SECRET}, "NOT_FOUND"),
    "deliver_paper": (
        *("window", f"papers/{NOBODYS}/deliveries", {"method": "in_person", "at": AT, "receiver": SECRET}),
        "NOT_FOUND",
    ),
}
"""Who is refused, at which address of the application, with what, by which code (any, where it is left out)."""


async def refused(platform: Hosted, service: str, actor: str, action: str) -> list[dict[str, Any]]:
    """What the audit holds of this refusal, the newest first."""
    sql = (
        f"SELECT detail::text AS d FROM {service}.audit WHERE actor = $1 AND action = 'refused'"
        " AND detail ->> 'action' = $2 ORDER BY seq DESC"
    )
    async with platform.host.services[service].read() as conn:
        return [orjson.loads(row["d"]) for row in await conn.fetch(sql, actor, action)]


@pytest.mark.parametrize("action", ACTS)
async def test_a_refused_act_on_an_application_is_recorded_with_its_number(platform: Hosted, action: str) -> None:
    who, where, body, code = ACTS[action]
    number = (await platform.submit(allowance(person("被拒"))))["application_no"]
    answer = await call(platform, who, "POST", f"/api/intake/applications/{number}/{where}", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    (row,) = [r for r in await refused(platform, "intake", who, action) if r.get("no") == number]
    assert row["code"] == answer.json()["code"]
    assert code in ("", row["code"])
    assert SECRET not in str(row)


MISSHAPEN: dict[str, tuple[str, str, Any, dict[str, Any]]] = {
    "create_application": ("window", "/api/intake/applications", [SECRET], {"fields": ["FORMAT"]}),
    "rate_application": (
        *("owner", "/api/intake/applications/{no}/rating"),
        *({"grade": SECRET, SECRET: 1}, {"fields": ["FORMAT", "UNKNOWN_FIELD"]}),
    ),
    "deliver_paper": (
        *("window", f"/api/intake/applications/{{no}}/papers/{NOBODYS}/deliveries", {"receiver": SECRET}),
        {"fields": ["REQUIRED"], "paper_id": NOBODYS},
    ),
    "decide_task": (
        *("elderly", f"/api/elderly/tasks/{NOBODYS}/decision", {"lease": SECRET}),
        {"fields": ["FORMAT", "REQUIRED"], "task_id": NOBODYS},
    ),
}
"""Who sends a body of the wrong shape where, and what stands in the row beside its action and code."""


@pytest.mark.parametrize("action", MISSHAPEN)
async def test_a_body_of_the_wrong_shape_is_recorded_without_what_was_in_it(platform: Hosted, action: str) -> None:
    who, path, body, more = MISSHAPEN[action]
    number = (await platform.submit(allowance(person("错形"))))["application_no"] if "{no}" in path else ""
    service = path.split("/")[2]
    before = await refused(platform, service, who, action)
    answer = await call(platform, who, "POST", path.format(no=number), json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID"), answer.text
    row, *earlier = await refused(platform, service, who, action)
    assert earlier == before, "one row, no more"
    assert row == {"action": action, "code": "INVALID", **more, **({"no": number} if number else {})}
    assert SECRET not in str(row)


async def test_what_is_no_json_is_recorded_and_what_shall_come_later_is_not(platform: Hosted) -> None:
    head = {"content-type": "application/json"}
    path = "/api/intake/applications"
    assert (await call(platform, "window", "POST", path, content=b"{", headers=head)).status_code == 422
    (row, *_) = await refused(platform, "intake", "window", "create_application")
    assert row == {"action": "create_application", "code": "INVALID", "fields": ["JSON_INVALID"]}


async def test_what_is_no_number_stands_in_no_row(platform: Hosted) -> None:
    await call(platform, "window", "POST", f"/api/intake/applications/{SECRET}/withdraw", json={"reason": "x"})
    (row, *_) = await refused(platform, "intake", "window", "withdraw_application")
    assert row == {"action": "withdraw_application", "code": "NOT_FOUND"}


async def test_refused_files_drafts_and_reports_are_recorded(platform: Hosted) -> None:
    form = {"files": {"file": ("a.exe", b"MZ" + b"\0" * 600, "application/octet-stream")}}
    assert (await call(platform, "owner", "POST", "/api/intake/files", **form)).status_code == 422
    assert (await refused(platform, "intake", "owner", "create_file"))[0]["fields"] == ["FILE_TYPE_NOT_ALLOWED"]
    draft = "/api/intake/drafts/00000000-0000-4000-8000-0000000d0001"
    assert (await call(platform, "window", "PUT", draft, json={})).status_code == 200
    assert (await call(platform, "owner", "PUT", draft, json={})).status_code == 404
    assert (await refused(platform, "intake", "owner", "put_draft"))[0]["draft_id"] == draft.rpartition("/")[2]
    report = {"home_no": "FH-420112-01", "person": {"name": SECRET}}
    assert (await call(platform, "other home", "POST", "/api/funeral/cremations", json=report)).status_code == 403
    assert await refused(platform, "funeral", "other home", "report_cremation") == [
        {"action": "report_cremation", "code": "NOT_YOUR_UNIT"}
    ]


async def test_a_security_officer_who_reaches_too_far_is_recorded(platform: Hosted) -> None:
    officer = Principal("far-officer", "县安全员", "staff", (RoleInUnit("security", "420102", "420102"),))
    clerk = str(account_id("clerk"))
    role = {"role": "handler", "unit": "420102"}
    for what, body in (("disable", None), ("roles", role), ("link", {"subject": SECRET})):
        answer = await call(platform, officer, "POST", f"/api/access/accounts/{clerk}/{what}", json=body)
        assert answer.status_code == 404
    for action in ("disable_account", "assign_role", "link_account"):
        assert await refused(platform, "access", "far-officer", action) == [
            {"action": action, "code": "NOT_FOUND", "identity": clerk}
        ]
    facts = {"code": "420112-X", "kind": "window", "name": SECRET, "region": "420112", "valid_from": "2026-01-01"}
    assert (await call(platform, officer, "POST", "/api/access/units", json=facts)).status_code == 403
    assert (await refused(platform, "access", "far-officer", "put_unit"))[0]["code"] == "REGION_NOT_YOURS"
    kin = {"id_type": "resident_id", "id_no": "420112197003150014", "relation": "child", "account": "clerk"}
    assert (await call(platform, "window", "POST", "/api/access/relatives", json=kin)).status_code == 422
    assert (await refused(platform, "access", "window", "declare_relative"))[0]["fields"] == ["NOT_YOURS"]
