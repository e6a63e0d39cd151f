"""Handed in here, handled there (跨区域通办), each side its part; a street decides what was devolved to it."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from tests.e2e.acting import allowance, ended, item_of, person, relief, say, settle, task, when
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
TOWN = "420112001000"


async def test_an_allowance_handed_in_elsewhere_is_decided_where_the_household_is_registered(platform: Hosted) -> None:
    who = person("沈跨区", date(1940, 6, 6))
    await say(platform, "household", who, "confirmed", data={"hukou_region": "420112"})
    await say(platform, "life_check", who, "confirmed", data={"alive": True})
    given = await platform.submit({**allowance(who), "accept_region": "420102"}, "clerk_other")
    number = given["application_no"]
    review = await task(platform, "elderly", number, "handler", "age_allowance_review")
    assert (review["unit"], review["region"]) == ("420112-ELDERLY", "420112")
    assert not await platform.tasks("elderly", number, "handler_other"), "the receiving district decides nothing"
    await settle(platform, review, "handler", "approve")
    await settle(
        platform, await task(platform, "elderly", number, "approver", "age_allowance_approval"), "approver", "approve"
    )
    assert (await ended(platform, number))["outcome"] == "approved", "the clerk of the handling district sees it"
    received = await platform.application(number, "clerk_other")
    assert item_of(received, "elderly.age_allowance")["status"] == "approved"
    for account in ("clerk", "clerk_other"):
        found = await platform.post("/api/intake/applications/search", {"number": number}, account)
        assert [a["application_no"] for a in found.json()["items"]] == [number], account
        case = await platform.get(f"/api/coordinator/cases/{given['case_id']}", account)
        assert case.status_code == httpx.codes.OK, account
    own = await platform.submit({**allowance(person("沈本区", date(1940, 6, 7))), "accept_region": "420112"})
    other = await platform.get(f"/api/intake/applications/{own['application_no']}", "clerk_other")
    assert other.status_code == httpx.codes.NOT_FOUND, "what has nothing to do with a district it does not see"


async def test_relief_is_decided_by_the_street_to_which_it_was_devolved(platform: Hosted) -> None:
    given = await platform.submit(relief(person("钱街道"), "500.00", occurred_region=TOWN))
    number = given["application_no"]
    review = await task(platform, "assistance", number, "town_handler", "temporary_review")
    assert (review["unit"], review["region"]) == (TOWN, TOWN)
    refused = await platform.post(f"/api/assistance/tasks/{review['id']}/claim", {}, "village_worker")
    assert refused.status_code in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND)
    await settle(platform, review, "town_handler", "approve")
    assert (await ended(platform, number))["outcome"] == "approved"
    seen = await when(platform, number, lambda a: [p for p in a["papers"] if p["kind"] == "approval"], "its decision")
    short = next(p for p in seen["papers"] if p["kind"] == "approval")
    paper = (await platform.get(f"/api/intake/applications/{number}/papers/{short['id']}")).json()
    assert "吴家山街道" in paper["content"]["organ"]["name"], (
        "decided in the street's own name, though the district received it"
    )


async def test_a_relatives_matter_is_kept_from_a_member_of_staff_and_goes_to_another(platform: Hosted) -> None:
    """民发〔2021〕57号第十一条 (assistance paper, section 1: staff_kinship): near relatives of staff are registered apart."""
    who = person("乔近亲")
    body = {"id_type": "resident_id", "id_no": who.id_no, "relation": "sibling"}
    declared = await platform.post("/api/access/relatives", body, "town_handler")
    assert declared.status_code == httpx.codes.CREATED, declared.text
    platform._tokens.pop("town_handler", None)  # the next token says it
    number = (await platform.submit(relief(who, "500.00", occurred_region=TOWN)))["application_no"]
    review = await task(platform, "assistance", number, "town_handler", "temporary_review")
    for _ in range(2):
        refused = await platform.post(f"/api/assistance/tasks/{review['id']}/claim", {}, "town_handler")
        assert (refused.status_code, refused.json()["code"]) == (403, "STAFF_KINSHIP")
    seen = (await platform.get(f"/api/assistance/tasks/{review['id']}", "town_handler")).json()
    assert (seen["may_act"], seen["kept_from_relatives"], seen["state"]) == (False, ["town_handler"], "open")
    await settle(platform, review, "handler", "approve")
    assert (await ended(platform, number))["outcome"] == "approved"
    twice = await platform.post("/api/access/relatives", {**body, "relation": "other"}, "town_handler")
    assert (twice.status_code, twice.json()) == (201, declared.json()), "what stands is answered"
    register = (await platform.get("/api/access/relatives", "supervisor")).json()["items"]
    assert [(r["account"], r["relation"]) for r in register] == [("town_handler", "sibling")]
    assert who.id_no not in str(register)
    others = await platform.get("/api/access/relatives", "handler")
    assert others.json()["items"] == [], "one's own, not the colleagues'"
    foreign = await platform.post("/api/access/relatives", {**body, "account": "handler"}, "town_handler")
    assert foreign.status_code == httpx.codes.UNPROCESSABLE_ENTITY
