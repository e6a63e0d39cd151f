"""What a funeral home reports, before or after an application, and what of its bill is waived."""

from __future__ import annotations

import pytest

from tests.e2e.acting import (
    HOME,
    claim,
    counts,
    cremated,
    ended,
    family,
    hand_in,
    item_of,
    published,
    report,
    say,
    settle,
    task,
    when,
)
from tests.support.platform import Hosted, Platform

pytestmark = pytest.mark.e2e
CREMATION, WAIVER = "funeral.cremation", "funeral.fee_waiver"
BILL = [
    {"code": "transport", "quantity": 1, "charged": "420.00"},
    {"code": "cold_storage", "quantity": 5, "charged": "400.00"},
    {"code": "cremation", "quantity": 1, "charged": "190.00"},
    {"code": "flowers", "quantity": 1, "charged": "66.00"},
]


async def test_a_cremation_nobody_has_reported_waits_for_the_home_by_name_until_it_reports(
    everywhere: Platform,
) -> None:
    of = family(everywhere)
    await say(everywhere, "cremation", of.deceased, "silent")
    number = (await hand_in(everywhere, of))["application_no"]

    def waits(a):
        return item_of(a, CREMATION)["waiting_on"] and item_of(a, CREMATION)["stage"] == "AWAITING_REPORT"

    seen = await when(everywhere, number, waits, "to wait for the home")
    waiting = item_of(seen, CREMATION)["waiting_on"]
    assert (waiting["kind"], waiting["name"]) == ("department", "东西湖区殡仪馆")
    assert item_of(seen, WAIVER)["waiting_on"] == {**item_of(seen, WAIVER)["waiting_on"], "kind": "prerequisite"}
    first = await cremated(everywhere, report(of, "HH-A1"))
    again = await cremated(everywhere, report(of, "HH-A1"))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    closed = await ended(everywhere, number)
    assert closed["outcome"] == "approved"
    assert item_of(closed, CREMATION)["result"]["reason_code"] == "REPORTED_BY_HOME"
    assert item_of(closed, CREMATION)["result"]["certificate_no"] == "HH-A1"
    differs = await cremated(everywhere, report(of, "HH-A1", furnace="3"))
    assert (differs.status_code, differs.json()["code"]) == (409, "CREMATION_DIFFERS")


async def test_a_cremation_reported_before_the_application_is_known_to_it(everywhere: Platform) -> None:
    of = family(everywhere)
    await say(everywhere, "cremation", of.deceased, "silent")
    assert (await cremated(everywhere, report(of, "HH-B1"))).status_code == 201
    number = (await hand_in(everywhere, of))["application_no"]
    closed = await ended(everywhere, number)
    assert closed["outcome"] == "approved"
    assert item_of(closed, WAIVER)["result"]["by_rule"] is True
    listed = (await everywhere.get("/api/funeral/cremations", "funeral_home")).json()["items"]
    (mine,) = [c for c in listed if c["certificate_no"] == "HH-B1"]
    assert of.deceased.id_no not in str(mine)
    assert of.deceased.name not in str(mine)


async def test_a_bill_that_differs_goes_to_a_person_and_the_caps_hold(everywhere: Platform) -> None:
    of = family(everywhere)
    await cremated(everywhere, report(of, "HH-C1", charges=BILL))
    given = await hand_in(everywhere, of)
    number = given["application_no"]
    review = await task(everywhere, "funeral", number, "handler", "fee_review")
    assert review["reason_code"] == "CHARGES_DIFFER"
    assert "transport" in review["data"]["differs"]
    refused = await claim(everywhere, review, "approver")
    assert (refused.status_code, refused.json()["code"]) == (403, "ROLE_NEEDED")
    await settle(everywhere, review, "handler", "approve")
    closed = await ended(everywhere, number)
    result = item_of(closed, WAIVER)["result"]
    # 300 of 420, three days of 80 of five, 190; flowers are never waived.
    assert (result["waived"], result["family_pays"]) == ("730.00", "346.00")
    (settled,) = await published(everywhere, "onewindow.funeral.events", "FeeWaiverSettled", given["case_id"])
    assert (settled["waived"], settled["home_no"]) == ("730.00", HOME)


async def test_a_home_reports_for_itself_only(everywhere: Platform) -> None:
    body = report(family(everywhere), "HH-D1", home_no="FH-420102-01")
    answer = await cremated(everywhere, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_UNIT")
    for account, status in ((None, 401), ("handler", 403), ("clerk", 403)):
        assert (await cremated(everywhere, body, account)).status_code == status


async def test_every_wrong_field_of_a_report_is_named_and_nothing_is_kept(platform: Hosted) -> None:
    of = family(platform)
    before = await counts(platform, "funeral.cremation")
    wrong = report(of, "HH-E1", died_on="2026-12-24", cremated_on="2026-11-01", more=1)
    wrong["person"]["id_no"] = "420112194102290019"
    wrong["charges"] = [{"code": "transport", "quantity": 0, "charged": "-1"}]
    shape = await cremated(platform, wrong)
    assert {e["pointer"] for e in shape.json()["errors"]} >= {"/more", "/charges/0/quantity", "/charges/0/charged"}
    del wrong["more"]
    wrong["charges"] = [{"code": "gold_urn", "quantity": 1, "charged": "1.00"}]
    answer = await cremated(platform, wrong)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {
        "/person/id_no",
        "/died_on",
        "/cremated_on",
        "/charges/0/code",
    }
    assert await counts(platform, "funeral.cremation") == before
