"""The household story: the dead person's own benefits end, the household's allowance is heard about and reassessed."""

from __future__ import annotations

import httpx
import pytest

from demo.story_household import roll_of
from tests.e2e.acting import claim, decide, ended, events, family, hand_in, item_of, published, settle, task
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e
STOP = "assistance.benefit_stop"


async def closed_household(platform: Platform):
    of = family(platform)
    told = await platform.post("/api/dev/facts", roll_of(of))
    assert told.status_code == httpx.codes.CREATED
    given = await hand_in(platform, of)
    closed = await ended(platform, given["application_no"])
    return closed, await task(platform, "assistance", closed["application_no"], "handler", "household_review")


async def effects(platform: Platform, item_id: str):
    return (await platform.get(f"/api/assistance/items/{item_id}/effects", "handler")).json()


async def test_a_household_is_heard_and_reassessed_after_the_case_has_closed(everywhere: Platform) -> None:
    closed, review = await closed_household(everywhere)
    item = item_of(closed, STOP)
    assert (closed["outcome"], item["status"]) == ("approved", "approved")
    assert item["result"]["household_review"]["due"] == review["data"]["due"]
    (open_,) = (await effects(everywhere, item["id"]))["household_reviews"]
    assert (open_["state"], open_["before"], open_["after"]) == ("open", "990.00", None)
    lease = (await claim(everywhere, review, "handler")).json()["lease"]
    for result in ({}, {"hearing": {"at": "2026-11-20T09:00:00+08:00"}}, {"hearing": {"at": "x", "said": "同意"}}):
        refused = await decide(everywhere, review, "handler", "approve", lease=lease, result=result)
        assert (refused.status_code, refused.json()["code"]) == (422, "HEARING_REQUIRED")
        assert "社会救助法" in refused.json()["law"]
    hearing = {"at": "2026-11-20T09:00:00+08:00", "said": "家属无异议"}
    await settle(everywhere, review, "handler", "approve", lease=lease, result={"hearing": hearing})
    (done,) = (await effects(everywhere, item["id"]))["household_reviews"]
    assert (done["before"], done["after"], done["from_month"]) == ("990.00", "760.00", "2026-12")
    (told,) = await published(everywhere, "onewindow.assistance.events", "HouseholdReassessed", closed["case_id"])
    assert (told["before"], told["after"], told["members_after"]) == ("990.00", "760.00", 2)
    assert (await everywhere.application(closed["application_no"]))["status"] == "closed"


async def test_a_review_that_finds_no_reason_to_change_leaves_the_allowance(everywhere: Platform) -> None:
    closed, review = await closed_household(everywhere)
    await settle(everywhere, review, "handler", "deny", reason_code="OTHER_MEMBER_JOINED")
    (done,) = (await effects(everywhere, item_of(closed, STOP)["id"]))["household_reviews"]
    assert (done["state"], done["after"]) == ("unchanged", "990.00")
    assert not await events(everywhere, "onewindow.assistance.events", "HouseholdReassessed", closed["case_id"])
