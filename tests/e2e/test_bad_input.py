"""Bad input: one problem document naming every wrong field, nothing stored; who may not is told that first."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest
import structlog

from demo.people import Person
from shared.clock import new_id
from tests.e2e.acting import allowance, bereavement, claim, counts, decide, family, person, task
from tests.support.attack import call, token
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
PATH = "/api/intake/applications"
STORED = ("intake.application", "intake.holding", "intake.idempotency", "intake.ask", "intake.outbox")


def wrong_everywhere(platform):
    """Every field wrong that can be wrong together."""
    raw = bereavement(platform, family(platform))
    raw["subject"]["id_no"] = "420112194102290019"  # the right check digit of a day that never was
    raw["applicant"]["name"] = "长" * 51
    raw["co_applicants"] = [person("何共同").party("co_applicant")]
    raw["accept_region"] = "990099"
    raw["form"]["death"]["date"] = "2026-12-24"
    raw["form"]["funeral_home"] = "FH-420112-99"
    raw["form"]["hukou_region"] = "420112"
    raw["form"]["no_such_section"] = {}
    return raw


async def test_one_document_names_every_wrong_field_and_nothing_is_stored(platform: Hosted) -> None:
    before = await counts(platform, *STORED)
    answer = await platform.post(PATH, wrong_everywhere(platform))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("INVALID", 422)
    assert {e["pointer"]: e["code"] for e in problem["errors"]} == {
        "/subject/id_no": "ID_BIRTH_DATE",
        "/applicant/name": "TOO_LONG",
        "/co_applicants": "CO_APPLICANT_NOT_TAKEN",
        "/accept_region": "UNKNOWN_REGION",
        "/form/death/date": "IN_FUTURE",
        "/form/funeral_home": "UNKNOWN_FUNERAL_HOME",
        "/form/hukou_region": "FIELD_NOT_IN_CASE",
        "/form/no_such_section": "FIELD_NOT_IN_CASE",
    }
    assert all(e["message"] for e in problem["errors"])
    assert await counts(platform, *STORED) == before


async def test_an_unknown_bundle_is_named_together_with_what_else_is_wrong(platform: Hosted) -> None:
    before = await counts(platform, *STORED)
    raw = {**wrong_everywhere(platform), "bundle": "no_such"}
    errors = {e["pointer"]: e["code"] for e in (await platform.post(PATH, raw)).json()["errors"]}
    assert errors["/bundle"] == "UNKNOWN_BUNDLE"
    assert {"/subject/id_no", "/applicant/name", "/form/death/date", "/form/funeral_home"} <= set(errors)
    assert await counts(platform, *STORED) == before


async def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(platform: Hosted) -> None:
    raw = {**bereavement(platform, family(platform)), "accept_region": "420111", "bundle": "bereavment"}
    raw["form"]["funeral_home"] = "FH-420112-99"
    told = {e["pointer"]: e["message"] for e in (await platform.post(PATH, raw)).json()["errors"]}
    assert "bereavement" in told["/bundle"]
    assert "420112" in told["/accept_region"]
    assert "FH-420112-01" in told["/form/funeral_home"]
    for path, query, near in (
        ("/api/catalogue/matters/elderly.age_alowance", {}, "elderly.age_allowance"),
        ("/api/catalogue/bundles/bereavment", {}, "bereavement"),
        ("/readyz/funral", {}, "funeral"),
        ("/api/access/units", {"under": "420112-ELDERY"}, "420112-ELDERLY"),
    ):
        answer = await platform.get(path, **query)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
        assert near in answer.json()["detail"], path


EXTERNAL = {
    "psb.household_cancel": ("EXTERNAL_NOT_CONNECTED", "户口注销"),
    "psb.houshold_cancel": ("UNKNOWN_MATTER", "psb.household_cancel"),
    "elderly.benefit_stop": ("NOT_ALLOWED", "matters"),
}


async def test_a_matter_of_another_department_is_never_silently_dropped(platform: Hosted) -> None:
    before = await counts(platform, *STORED)
    raw = {**bereavement(platform, family(platform)), "external": list(EXTERNAL)}
    refused = await platform.post(PATH, raw)
    assert refused.status_code == 422, refused.text
    told = {e["pointer"]: (e["code"], e["message"]) for e in refused.json()["errors"]}
    for n, (code, word) in enumerate(EXTERNAL.values()):
        assert told[f"/external/{n}"][0] == code
        assert word in told[f"/external/{n}"][1]
    assert await counts(platform, *STORED) == before
    assert (await platform.post(PATH, {**raw, "external": []})).status_code == 201


@pytest.mark.parametrize("body", [None, [], "x", 7, {}, {"applicant": []}, {"bundle": 1, "form": [], "matters": {}}])
async def test_a_body_of_any_shape_is_refused_as_a_problem_document(platform: Hosted, body) -> None:
    answer = await platform.post(PATH, body)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert answer.json()["errors"]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": NaN', b"\xff\xfe", b'{"applicant": {"name": "\\ud800"}}'])
async def test_bytes_that_are_no_json_are_refused_as_a_problem_document(platform: Hosted, raw) -> None:
    async with platform.client("clerk") as client:
        headers = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
        answer = await client.post(PATH, content=raw, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_signing_in_comes_before_roles_and_roles_before_fields(platform: Hosted) -> None:
    wrong = {"bundle": 7, "accept_region": "420112"}
    for account, status in ((None, 401), ("handler", 403), ("funeral_home", 403), ("clerk", 422)):
        answer = await platform.post(PATH, wrong, account)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
    async with platform.client("clerk") as client:
        client.headers["Authorization"] += "x"
        assert (await client.post(PATH, json=wrong)).status_code == 401
    async with platform.client("handler") as client:
        assert (await client.post(PATH, content=b"{")).status_code == 403


async def test_a_clerk_of_another_region_is_refused_before_the_fields_are_looked_at(platform: Hosted) -> None:
    raw = {**wrong_everywhere(platform), "accept_region": "420112"}
    answer = await platform.post(PATH, raw, "clerk_other")
    assert (answer.status_code, answer.json()["code"]) == (403, "REGION_NOT_YOURS")


async def test_a_repeated_key_with_another_body_has_a_code_of_its_own_and_changes_nothing(platform: Hosted) -> None:
    key, raw = str(new_id()), bereavement(platform, family(platform))
    first = await platform.post(PATH, raw, key=key)
    before = await counts(platform, *STORED)
    other = await platform.post(PATH, bereavement(platform, family(platform)), key=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await counts(platform, *STORED))["intake.application"] == before["intake.application"]
    again = await platform.post(PATH, raw, key=key)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_refusal_leaves_the_key_free(platform: Hosted) -> None:
    key = str(new_id())
    assert (await platform.post(PATH, wrong_everywhere(platform), key=key)).status_code == 422
    assert (await platform.post(PATH, bereavement(platform, family(platform)), key=key)).status_code == 201


async def test_without_a_key_nothing_is_created(platform: Hosted) -> None:
    before = await counts(platform, *STORED)
    async with platform.client("clerk") as client:
        answer = await client.post(PATH, json=bereavement(platform, family(platform)))
    assert (answer.status_code, answer.json()["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert await counts(platform, *STORED) == before


async def test_a_missing_prerequisite_is_refused_by_its_own_code(platform: Hosted) -> None:
    raw = bereavement(platform, family(platform))
    raw = {**raw, "bundle": None, "matters": ["funeral.fee_waiver"]}
    del raw["form"]["payee"]
    answer = await platform.post(PATH, raw)
    assert (answer.status_code, answer.json()["code"]) == (422, "PREREQUISITE_MISSING"), answer.text


async def test_what_a_problem_says_repeats_nothing_that_was_handed_in(platform: Hosted) -> None:
    raw = wrong_everywhere(platform)
    raw["applicant"] = Person("司徒不可见" * 11, "42011219700315999X").party("applicant", phone="138-not-a-phone")
    answer = await platform.post(PATH, raw)
    assert answer.status_code == 422
    assert not any(said in answer.text for said in ("司徒不可见", "42011219700315999X", "138-not-a-phone"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ONEWINDOW_PORT", "abc"), ("ONEWINDOW_NOPE", "1"), ("ONEWINDOW_CLOCK", "x"), ("ONEWINDOW_BUS", "rabbit")],
)
def test_a_wrong_setting_stops_the_start_by_its_name(name, value) -> None:
    command = [sys.executable, "-m", "shared.runtime.cli.main"]
    program = "from shared.runtime.cli.main import main; main()"
    done = subprocess.run(
        [*command[:1], "-c", program, "up"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), name: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


async def refusals(platform: Hosted, service: str, actor: str) -> list[dict[str, Any]]:
    """What the audit holds of refusals, the newest first."""
    sql = f"SELECT detail::text AS d FROM {service}.audit WHERE actor = $1 AND action = 'refused' ORDER BY seq DESC"
    async with platform.host.services[service].read() as conn:
        return [orjson.loads(row["d"]) for row in await conn.fetch(sql, actor)]


@pytest.mark.parametrize("changed", [{}, {"received_reason": ""}], ids=["no reason", "an empty reason"])
async def test_a_receiving_dated_back_without_a_reason_is_refused_and_recorded(platform: Hosted, changed) -> None:
    before = await counts(platform, *STORED)
    raw = {**bereavement(platform, family(platform)), "received_at": "2026-11-18T09:00:00+08:00", **changed}
    refused = await platform.post(PATH, raw)
    assert refused.status_code == 422
    assert "/received_reason" in {e["pointer"] for e in refused.json()["errors"]}
    assert await counts(platform, *STORED) == before
    told = (await refusals(platform, "intake", "clerk"))[0]
    codes = sorted({e["code"] for e in refused.json()["errors"]})
    assert told == {"action": "create_application", "code": "INVALID", "fields": codes}


async def test_a_decision_after_the_lease_is_refused_recorded_and_changes_nothing(moving: Hosted) -> None:
    number = (await moving.submit(allowance(person("迟到"))))["application_no"]
    review = await task(moving, "elderly", number, "handler", "age_allowance_review")
    lease = (await claim(moving, review, "handler")).json()["lease"]
    await moving.post("/api/dev/clock", {"minutes": 31})
    path = f"/api/elderly/tasks/{review['id']}"
    before = (await moving.get(path, "handler")).json()
    late = await decide(moving, review, "handler", "approve", lease=lease)
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "LEASE_LOST", "open")
    assert (await moving.get(path, "handler")).json() == before
    (told, *_) = await refusals(moving, "elderly", "handler")
    assert told == {"action": "decide_task", "code": "LEASE_LOST", "task_id": review["id"]}


async def test_a_forged_token_is_refused_recorded_without_it_and_changes_nothing(platform: Hosted) -> None:
    before = await counts(platform, *STORED)
    head, body, mac = token(platform, "window").split(".")
    forged = f"{head}.{body}.{mac[:-4]}AAAA"
    with structlog.testing.capture_logs() as lines:
        refused = await call(
            platform,
            None,
            "POST",
            PATH,
            json=bereavement(platform, family(platform)),
            headers={"Authorization": f"Bearer {forged}"},
        )
    assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_INVALID")
    assert await counts(platform, *STORED) == before
    (line,) = [line for line in lines if line["event"] == "token_refused"]
    assert line == {
        "event": "token_refused",
        "log_level": "warning",
        "reason": "forged",
        "method": "POST",
        "route": "/applications",
    }
