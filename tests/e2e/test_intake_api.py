"""The one window over HTTP: what a clerk, a citizen and a stranger get."""

from __future__ import annotations

from copy import deepcopy
from uuid import UUID

import pytest
from stdnum.iso7064 import mod_11_2

from services.intake.api.submission import submit
from shared.application_no import check_application_no
from shared.catalog.parties import Submission
from shared.clock import new_id
from shared.http.principal import Principal, RoleInUnit
from shared.masking import mask_id_no
from tests.support.catalogue import SAMPLE

pytestmark = pytest.mark.e2e
_SERIAL = iter(range(200, 999))  # the contract prints a person numbered 001


def person(born="19400229"):
    """A number nobody else has in this run."""
    body = f"420112{born}{next(_SERIAL):03d}"
    return body + mod_11_2.calc_check_digit(body)


def family(**changed):
    raw = {**deepcopy(SAMPLE), **changed}
    raw["subject"]["id_no"] = person()
    return raw


async def test_a_clerk_receives_an_application_and_everyone_concerned_can_look_at_it(platform):
    given = await platform.submit(family())
    number = given["application_no"]
    assert check_application_no(number)
    assert len(given["items"]) == 5
    seen = await platform.application(number)
    assert seen["case_id"] == given["case_id"]
    assert seen["parties"]["applicant"]["id_no"] == mask_id_no(SAMPLE["applicant"]["id_no"])
    own = await platform.application(number, "citizen")
    assert own["parties"]["applicant"]["id_no"] == SAMPLE["applicant"]["id_no"]
    lines = (await platform.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    assert lines[0]["kind"] == "received"


async def test_another_district_and_another_citizen_find_nothing(platform):
    number = (await platform.submit(family()))["application_no"]
    for account in ("clerk_other", "handler_other"):
        assert (await platform.get(f"/api/intake/applications/{number}", account)).status_code == 404
        assert (await platform.get(f"/api/intake/applications/{number}/timeline", account)).status_code == 404
    assert (await platform.get(f"/api/intake/applications/{number}", None)).status_code == 401


async def test_unmasked_reading_by_staff_is_recorded(platform):
    number = (await platform.submit(family()))["application_no"]
    answer = await platform.get(f"/api/intake/applications/{number}", "clerk", unmasked=True)
    assert answer.json()["parties"]["subject"]["name"] == "李国强"
    async with platform.host.services["intake"].read() as conn:
        rows = await conn.fetch(
            "SELECT actor FROM intake.audit WHERE action = 'reading' AND aggregate_id = $1", answer.json()["case_id"]
        )
    assert [row["actor"] for row in rows][:1] == ["clerk"]


async def test_every_wrong_field_is_named_and_nothing_is_stored(platform):
    raw = family()
    raw["applicant"]["name"] = "长" * 60
    raw["form"]["death"]["date"] = "2027-01-01"
    raw["form"]["funeral_home"] = "FH-420112-99"
    answer = await platform.post("/api/intake/applications", raw)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    named = {e["pointer"] for e in answer.json()["errors"]}
    assert named >= {"/applicant/name", "/form/death/date", "/form/funeral_home"}
    raw["applicant"]["name"] = "李明"
    found = await platform.post("/api/intake/applications/search", {"id_no": raw["subject"]["id_no"]})
    assert found.json() == {"items": [], "next": None}


async def test_a_clerk_of_another_district_is_refused(platform):
    answer = await platform.post("/api/intake/applications", family(), "clerk_other")
    assert (answer.status_code, answer.json()["code"]) == (403, "REGION_NOT_YOURS")


async def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(platform):
    raw, key = family(), str(new_id())
    first = await platform.post("/api/intake/applications", raw, key=key)
    again = await platform.post("/api/intake/applications", raw, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await platform.post("/api/intake/applications", family(), key=key)
    assert other.status_code == 422
    async with platform.client("clerk") as client:
        bare = await client.post("/api/intake/applications", json=raw)
    assert (bare.status_code, bare.json()["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")


async def test_a_duplicate_is_refused_whole_and_names_what_stands_in_the_way(platform):
    raw = family()
    number = (await platform.submit(raw))["application_no"]
    answer = await platform.post("/api/intake/applications", raw)
    assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE_APPLICATION")
    assert {e["application_no"] for e in answer.json()["existing"]} == {number}
    stranger = deepcopy(raw)
    stranger["applicant"]["id_no"] = person("19800101")
    assert (await platform.post("/api/intake/applications", stranger)).json()["existing"]


async def test_a_citizen_applies_in_their_own_name_only(platform):
    raw = family(channel="online")
    raw["applicant"]["id_no"] = person("19800101")
    answer = await platform.post("/api/intake/applications", raw, "citizen")
    assert answer.json()["errors"][0]["code"] == "APPLICANT_NOT_YOU"
    mine = await platform.submit(family(channel="online"), "citizen")
    assert (await platform.application(mine["application_no"], "citizen"))["channel"] == "online"


async def test_the_query_code_opens_a_masked_progress_page_and_nothing_else_does(platform):
    given = await platform.submit(family())
    path = f"/api/intake/progress/{given['application_no']}"
    shown = await platform.get(path, None, code=given["query_code"].lower())
    assert shown.status_code == 200
    assert "李" not in shown.text
    assert (await platform.get(path, None, code="AAAAAAAAAA")).status_code == 404


async def test_a_draft_is_kept_for_its_owner_and_handed_in_once(platform):
    raw, draft = family(), new_id()
    async with platform.client("clerk") as client:
        assert (await client.put(f"/api/intake/drafts/{draft}", json={"bundle": "bereavement"})).status_code == 200
        kept = await client.put(f"/api/intake/drafts/{draft}", json=raw)
        assert kept.json()["version"] == 2
        assert (await client.get(f"/api/intake/drafts/{draft}")).json()["content"] == raw
    assert (await platform.get(f"/api/intake/drafts/{draft}", "citizen")).status_code == 404
    key = str(new_id())
    first = await platform.post("/api/intake/applications", {"draft_id": str(draft)}, key=key)
    again = await platform.post("/api/intake/applications", {"draft_id": str(draft)}, key=key)
    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert (await platform.post("/api/intake/applications", {"draft_id": str(draft)})).status_code == 409


async def test_search_finds_by_exact_name_and_number_masked(platform):
    raw = family()
    raw["subject"]["name"] = f"欧阳{next(_SERIAL)}"
    number = (await platform.submit(raw))["application_no"]
    for body in ({"name": raw["subject"]["name"]}, {"id_no": raw["subject"]["id_no"]}, {"number": number}):
        answer = await platform.post("/api/intake/applications/search", body)
        assert [row["application_no"] for row in answer.json()["items"]] == [number], answer.text
        assert raw["subject"]["id_no"] not in answer.text
    other = await platform.post("/api/intake/applications/search", {"number": number}, "clerk_other")
    assert other.json()["items"] == []


async def test_what_runs_by_law_cannot_be_withdrawn(platform):
    number = (await platform.submit(family()))["application_no"]
    path = f"/api/intake/applications/{number}/withdraw"
    refused = await platform.post(path, {"matters": ["elderly.benefit_stop"], "reason": "不办了"})
    assert refused.json()["errors"][0]["code"] == "NOT_ON_APPLICATION"


async def test_a_rating_is_one_to_five(platform):
    number = (await platform.submit(family()))["application_no"]
    path = f"/api/intake/applications/{number}/rating"
    assert (await platform.post(path, {"grade": 5, "comment": "很快"})).status_code == 200
    assert (await platform.post(path, {"grade": 6})).status_code == 422


async def test_in_process_submission_gives_the_same_answer(platform):
    handle = platform.host.services["intake"]
    clerk = Principal("clerk", "窗口", "staff", (RoleInUnit("clerk", "420112-HALL-W01", "420112"),))
    given = await submit(handle, Submission.model_validate(family()), clerk)
    assert given["query_code"]


async def test_the_catalogue_is_public_and_a_case_names_a_stored_definition(platform):
    whole = (await platform.get("/api/catalogue", None)).json()
    assert "bereavement" in {b["code"] for b in whole["bundles"]}
    assert (await platform.get("/api/catalogue/bundles/bereavement", None)).status_code == 200
    assert (await platform.get("/api/catalogue/matters/funeral.cremation", None)).json()["law"]
    assert (await platform.get("/api/catalogue/matters/no.such", None)).status_code == 404
    given = await platform.submit(family())
    state = await platform.host.services["intake"].load("application", UUID(given["case_id"]))
    stored = await platform.get(f"/api/catalogue/definitions/{state.definition}", None)
    assert stored.json()["bundle"]["code"] == "bereavement"


async def test_a_whole_case_closes_and_tells_its_story_without_a_person_in_it(platform):
    given = await platform.submit(family())
    closed = await platform.closed(given["application_no"])
    assert closed["outcome"] == "approved"
    lines = (await platform.get(f"/api/intake/applications/{given['application_no']}/timeline")).json()["items"]
    kinds = [line["kind"] for line in lines if not line["kind"].startswith("message_")]
    assert kinds[0] == "received"
    assert kinds[-1] == "closed"
    assert {"opened", "fact_confirmed", "item_concluded"} <= set(kinds)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert not any("李" in line["text_zh"] for line in lines)
