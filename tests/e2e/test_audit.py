"""The audit of a platform at work: verified by auditors alone, exported by two, read back by whom it concerns."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.audit import sealer
from shared.catalog.registry import load
from shared.http.principal import Principal, RoleInUnit
from tests.e2e.acting import allowance, bereavement, ended, family, hand_in, person
from tests.support.attack import call
from tests.support.database import eventually
from tests.support.platform import Hosted, Platform

pytestmark = pytest.mark.e2e
FIRST, SECOND, THIRD = (
    Principal(n, n, "staff", (RoleInUnit("auditor", "420000", "420000"),))
    for n in ("auditor-1", "auditor-2", "auditor-3")
)
OPS = "/api/ops/intake/audit"


async def verified(platform: Hosted, service: str, **body: Any) -> list[dict[str, Any]]:
    answer = await call(platform, FIRST, "POST", f"/api/ops/{service}/audit/verify", json=body)
    assert answer.status_code == httpx.codes.OK, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_i11_the_chain_of_every_service_covers_all_that_a_case_changed(platform: Hosted) -> None:
    """I11: the audit chain verifies and covers every state change and reading."""
    done = await ended(platform, (await hand_in(platform, family(platform)))["application_no"])
    await platform.get(f"/api/intake/applications/{done['application_no']}", unmasked=True)
    for service in platform.host.catalog.services:
        await eventually(lambda s=service: _linked(platform, s), f"all rows of {service} to be linked")
        *told, last = await verified(platform, service)
        assert last["done"], service
        assert last["findings"] == 0, (service, told)
        assert last["batches"] > 0
        assert last["rows"] > 0
    async with platform.host.services["intake"].read() as conn:
        covered = await conn.fetchval(
            "SELECT count(*) FROM intake.audit a WHERE aggregate_id = $1 AND action = 'reading'"
            " AND EXISTS (SELECT FROM intake.audit_seal s WHERE a.seq = ANY(s.seqs))",
            done["case_id"],
        )
    assert covered >= 1


async def _linked(platform: Hosted, service: str) -> bool:
    async with platform.host.services[service].read() as conn:
        return not await conn.fetchval(
            f'SELECT 1 FROM "{service}".audit a WHERE NOT EXISTS'
            f' (SELECT FROM "{service}".audit_seal s WHERE a.seq = ANY(s.seqs)) LIMIT 1'
        )


async def test_a_head_kept_outside_is_on_the_chain_and_a_made_up_one_is_not(platform: Hosted) -> None:
    async def signed() -> Any:
        answer = await call(platform, FIRST, "GET", f"{OPS}/head")
        return answer.json() if answer.status_code == 200 else None

    head = await eventually(signed, "a head to be signed")
    told = await verified(platform, "intake", heads=[head])
    assert told[-1]["findings"] == 0, told
    assert (await verified(platform, "intake", heads=[head | {"service": "funeral"}]))[-1]["findings"] == 0
    told = await verified(platform, "intake", heads=[head | {"hash": "00" * 32}])
    assert {line["finding"] for line in told if "finding" in line} == {"HEAD_FORGED", "HEAD_NOT_ON_CHAIN"}
    for wrong in ([{}], [{"service": "intake", "number": "x"}], [head | {"hash": "zz"}]):
        answer = await call(platform, FIRST, "POST", f"{OPS}/verify", json={"heads": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "FORMAT")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "head"),
        ("POST", "verify"),
        ("GET", "exports"),
        ("POST", "exports"),
        ("POST", "exports/1/agree"),
        ("GET", "exports/1/rows"),
    ],
)
async def test_nobody_but_an_auditor_reads_the_audit(platform: Hosted, method: str, path: str) -> None:
    for who in ("operator", "security", "county", "window", "owner", "department psb"):
        assert (await call(platform, who, method, f"{OPS}/{path}", json={})).status_code == 403, who
    assert (await call(platform, None, method, f"{OPS}/{path}", json={})).status_code == 401


async def test_an_export_takes_two_auditors_and_is_itself_on_record(platform: Hosted) -> None:
    await platform.submit(allowance(person("孙导出")))
    asked = {"first": 1, "last": 5, "reason": "年度审计"}
    proposed = (await call(platform, FIRST, "POST", f"{OPS}/exports", json=asked)).json()
    same = await call(platform, FIRST, "POST", f"{OPS}/exports", json=asked)
    assert (same.status_code, same.json()) == (201, proposed), "the same again is the same proposal"
    number, agreement = proposed["number"], {"reason": "同意导出"}
    rows = f"{OPS}/exports/{number}/rows"
    assert (await call(platform, FIRST, "GET", rows)).json()["code"] == "NOT_AGREED"
    own = await call(platform, FIRST, "POST", f"{OPS}/exports/{number}/agree", json=agreement)
    assert (own.status_code, own.json()["code"]) == (403, "FOUR_EYES")
    agreed = await call(platform, SECOND, "POST", f"{OPS}/exports/{number}/agree", json=agreement)
    assert agreed.json()["state"] == "agreed"
    again = await call(platform, THIRD, "POST", f"{OPS}/exports/{number}/agree", json=agreement)
    assert again.status_code == 409
    for who in (FIRST, SECOND):
        lines = [json.loads(line) for line in (await call(platform, who, "GET", rows)).text.splitlines()]
        assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
        assert 0 < len(lines) <= 5
        assert all(len(line["sha256"]) == 64 for line in lines)
    assert (await call(platform, THIRD, "GET", rows)).status_code == 404
    assert (await call(platform, THIRD, "POST", f"{OPS}/exports/999/agree", json=agreement)).status_code == 404
    async with platform.host.services["intake"].read() as conn:
        said = await conn.fetch("SELECT actor, action FROM intake.audit WHERE actor LIKE 'auditor-%' ORDER BY seq")
    assert [tuple(row) for row in said] == [
        ("auditor-1", "audit export proposed"),
        ("auditor-2", "audit export agreed"),
        ("auditor-1", "reading"),
        ("auditor-2", "reading"),
    ]


async def test_a_person_sees_who_was_shown_their_fields_and_why_and_nobody_elses(platform: Hosted) -> None:
    """I11: a reading is there for whom it concerns, without the name of who it was."""
    raw = bereavement(platform, family(platform))
    raw["applicant"] |= {"name": "李明", "id_no": "420112197003150014"}
    raw["form"]["payee"]["holder"] = "李明"
    number = (await platform.submit(raw))["application_no"]
    path = f"/api/intake/applications/{number}"

    async def mine(who: str = "owner") -> list[dict[str, Any]]:
        answer = await call(platform, who, "GET", "/api/intake/readings")
        return [row for row in answer.json()["items"] if row["application_no"] == number]

    await call(platform, "owner", "GET", path)
    await call(platform, "window", "GET", path)
    assert await mine() == [], "an owner's own page and masked fields are no readings"
    assert (await call(platform, "window", "GET", path, params={"ground": "inquiry"})).status_code == 200
    (row,) = await mine()
    assert (row["unit"], row["role"], row["ground"]) == ("420112-HALL-W01", "clerk", "inquiry")
    assert row["fields"] == ["parties"]
    assert row["unit_name"] != row["unit"]
    assert set(row) == {"at", "application_no", "unit", "unit_name", "role", "fields", "ground"}
    assert await mine("stranger") == []
    assert await mine("nobody known") == []
    assert (await call(platform, "window", "GET", "/api/intake/readings")).status_code == 403


async def test_a_ground_that_is_none_shows_nothing_and_records_nothing(platform: Hosted) -> None:
    number = (await platform.submit(allowance(person("吴理由"))))["application_no"]
    answer = await call(platform, "window", "GET", f"/api/intake/applications/{number}", params={"ground": "curiosity"})
    assert answer.status_code == 422
    assert "吴理由" not in answer.text
    masked = await call(platform, "window", "GET", f"/api/intake/applications/{number}")
    assert "吴理由" not in masked.text
    shown = await call(platform, "window", "GET", f"/api/intake/applications/{number}", params={"ground": "complaint"})
    assert "吴理由" in shown.text


def test_a_head_is_signed_every_hour() -> None:
    assert sealer.HEAD_SECONDS == 3600


async def test_i11_every_service_verifies_wherever_it_runs(everywhere: Platform) -> None:
    """I11: also where each service is a process of its own, logs in as itself, and two copies of it share a chain."""
    platform = everywhere
    await ended(platform, (await hand_in(platform, family(platform)))["application_no"])
    for service in load().services:
        answer = await platform.post(f"/api/ops/{service}/audit/verify", {}, "auditor")
        assert answer.status_code == httpx.codes.OK, answer.text
        *told, last = [json.loads(line) for line in answer.text.splitlines()]
        assert last["done"], service
        assert last["findings"] == 0, (service, told)
        assert last["rows"] > 0, service
