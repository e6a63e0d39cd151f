"""Matters that people decide: review and approval by two, tasks held by one, corrections, denials."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from tests.e2e.acting import (
    allowance,
    claim,
    decide,
    ended,
    item_of,
    person,
    published,
    relief,
    settle,
    task,
    when,
)
from tests.support.platform import Hosted, Platform

pytestmark = pytest.mark.e2e
MATTER = "elderly.age_allowance"
REVIEW, APPROVAL = "age_allowance_review", "age_allowance_approval"


async def received(platform: Platform, name: str = "钱高龄"):
    given = await platform.submit(allowance(person(name)))
    return given, await task(platform, "elderly", given["application_no"], "handler", REVIEW)


async def test_the_age_allowance_is_reviewed_by_one_and_approved_by_another(everywhere: Platform) -> None:
    given, review = await received(everywhere)
    number = given["application_no"]
    await settle(everywhere, review, "handler", "approve")
    approval = await task(everywhere, "elderly", number, "approver", APPROVAL)
    shown = await when(everywhere, number, lambda a: item_of(a, MATTER)["status"] == "reviewing", "to be reviewed")
    assert item_of(shown, MATTER)["waiting_on"]["kind"] == "task"
    await settle(everywhere, approval, "approver", "approve", reason_code="CONDITIONS_MET")
    closed = await ended(everywhere, number)
    result = item_of(closed, MATTER)["result"]
    assert (closed["status"], closed["outcome"]) == ("closed", "approved")
    assert (result["amount"], result["from"]) == ("100.00", "2026-11")
    granted = await published(everywhere, "onewindow.elderly.events", "AllowanceGranted", given["case_id"])
    assert [g["monthly"] for g in granted] == ["100.00"]
    again = await everywhere.post("/api/intake/applications", allowance(person("钱高龄")))
    assert again.status_code == 201, "another person may still apply"


async def test_nobody_decides_twice_in_one_matter(platform: Hosted) -> None:
    given, review = await received(platform)
    await settle(platform, review, "deputy", "approve")
    approval = await task(platform, "elderly", given["application_no"], "approver", APPROVAL)
    for act in ("claim", "decision"):
        path = f"/api/elderly/tasks/{approval['id']}/{act}"
        body = {} if act == "claim" else {"lease": str(UUID(int=1)), "outcome": "approve"}
        refused = await platform.post(path, body, "deputy")
        assert (refused.status_code, refused.json()["code"]) == (403, "FOUR_EYES")
    item = await platform.host.services["elderly"].load("item", UUID(approval["item_id"]))
    (open_,) = [t for t in item.tasks if t.kind == APPROVAL]
    assert {"clerk", "deputy"} <= set(open_.barred), "who received it may not approve it either"
    looked = (await platform.get(f"/api/elderly/tasks/{approval['id']}", "deputy")).json()
    assert looked["may_act"] is False


async def test_a_task_held_by_one_is_refused_to_another_with_its_present_state(everywhere: Platform) -> None:
    given, review = await received(everywhere)
    path = f"/api/elderly/tasks/{review['id']}"
    lease = (await claim(everywhere, review, "deputy")).json()["lease"]
    taken = await claim(everywhere, review, "handler")
    assert (taken.status_code, taken.json()["code"]) == (409, "TASK_CLAIMED")
    assert (taken.json()["state"], taken.json()["present"]["holder"]) == ("claimed", "deputy")
    assert (await everywhere.post(f"{path}/release", {}, "handler")).status_code == 409
    assert (await everywhere.post(f"{path}/release", {}, "deputy")).json()["state"] == "open"
    mine = (await claim(everywhere, review, "handler")).json()["lease"]
    late = await decide(everywhere, review, "deputy", "approve", lease=lease)
    assert (late.status_code, late.json()["code"]) == (409, "LEASE_LOST")
    assert late.json()["present"]["holder"] == "handler"
    await settle(everywhere, review, "handler", "approve", lease=mine)
    twice = await decide(everywhere, review, "handler", "approve", lease=mine)
    assert (twice.status_code, twice.json()["code"], twice.json()["state"]) == (409, "TASK_CLOSED", "done")


async def test_a_denial_needs_a_reason_and_is_told_with_its_law(everywhere: Platform) -> None:
    given, review = await received(everywhere)
    number = given["application_no"]
    bare = await decide(everywhere, review, "handler", "deny")
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/reason_code")
    await settle(everywhere, review, "handler", "deny", reason_code="NOT_LOCAL_HUKOU")
    approval = await task(everywhere, "elderly", number, "approver", APPROVAL)
    assert approval["data"]["opinion"]["outcome"] == "deny"
    await settle(everywhere, approval, "approver", "deny", reason_code="NOT_LOCAL_HUKOU", comment="户籍不在本市")
    closed = await ended(everywhere, number)
    result = item_of(closed, MATTER)["result"]
    assert (closed["outcome"], item_of(closed, MATTER)["status"]) == ("denied", "denied")
    assert result["reason_code"] == "NOT_LOCAL_HUKOU"
    assert "老年人权益保障法" in result["law"]


async def test_a_denied_matter_may_be_applied_for_again(everywhere: Platform) -> None:
    who = person("孙再来")
    given = await everywhere.submit(allowance(who))
    assert (await everywhere.post("/api/intake/applications", allowance(who))).status_code == 409
    for kind, account in ((REVIEW, "handler"), (APPROVAL, "approver")):
        at = await task(everywhere, "elderly", given["application_no"], account, kind)
        await settle(everywhere, at, account, "deny", reason_code="NOT_LOCAL_HUKOU")
    await ended(everywhere, given["application_no"])
    assert (await everywhere.post("/api/intake/applications", allowance(who))).status_code == 201


async def test_a_correction_is_asked_for_supplemented_and_then_decided(everywhere: Platform) -> None:
    given, review = await received(everywhere, "赵补正")
    number = given["application_no"]
    finding = {
        "code": "ACCOUNT_CLOSED",
        "pointer": "/form/bank_account",
        "message_zh": "账户已销户,请更换",
        "message_en": "the account is closed: give another",
    }
    await settle(everywhere, review, "handler", "request_correction", findings=[finding])
    asked = await when(everywhere, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    item = item_of(asked, MATTER)
    assert (item["status"], item["lamp"]) == ("correcting", "grey")
    assert item["waiting_on"]["kind"] == "applicant"
    assert item["findings"][0]["code"] == "ACCOUNT_CLOSED"
    path = f"/api/intake/applications/{number}/supplement"
    account = {"holder": "赵补正", "number": "6222020000000005678"}
    for body, pointer in (
        ({"round": item["round"], "form": {"funeral_home": "FH-420112-01"}}, "/form/funeral_home"),
        ({"round": item["round"], "materials": [{"type": "proxy", "source": "upload", "file_id": "f1"}]}, "file_id"),
        ({"round": item["round"]}, "/form"),
    ):
        refused = await everywhere.post(path, body)
        assert refused.status_code == 422, refused.text
        assert pointer in refused.text
    assert (await everywhere.post(path, {"round": 9, "form": {"bank_account": account}})).status_code == 409
    given_again = await everywhere.post(path, {"round": item["round"], "form": {"bank_account": account}})
    assert given_again.status_code == 200, given_again.text
    review = await task(everywhere, "elderly", number, "handler", REVIEW)
    looked = (await everywhere.get(f"/api/elderly/tasks/{review['id']}", "handler")).json()
    assert "6222020000000005678" not in str(looked), "an account is masked"
    await settle(everywhere, review, "handler", "approve")
    await settle(everywhere, await task(everywhere, "elderly", number, "approver", APPROVAL), "approver", "approve")
    assert (await ended(everywhere, number))["outcome"] == "approved"
    assert (await everywhere.post(path, {"round": 1, "form": {"bank_account": account}})).status_code == 409


async def test_one_far_too_young_is_not_accepted_and_told_why(everywhere: Platform) -> None:
    given = await everywhere.submit(allowance(person("李年轻", date(1970, 5, 1))))
    number = given["application_no"]
    review = await task(everywhere, "elderly", number, "handler", REVIEW)
    refused = await decide(everywhere, review, "handler", "approve")
    assert (refused.status_code, refused.json()["code"]) == (422, "TOO_YOUNG")
    lease = (await claim(everywhere, review, "handler")).json()["lease"]
    await settle(
        everywhere, review, "handler", "not_accept", lease=lease, reason_code="TOO_YOUNG", comment="未满八十周岁"
    )
    over = await ended(everywhere, number)
    assert (over["status"], over["outcome"], over["accepted_at"]) == ("not_accepted", None, None)
    assert item_of(over, MATTER)["result"]["law"]
    (told,) = [p for p in over["papers"] if p["kind"] == "non_acceptance"]
    paper = (await everywhere.get(f"/api/intake/applications/{number}/papers/{told['id']}", unmasked="true")).json()
    said = [line["text"] for part in paper["content"]["parts"] if part["part"] == "reason" for line in part["lines"]]
    assert said == ["未达到规定年龄", "未满八十周岁"]
    assert [s["name"] for s in paper["signatures"]] == ["周晓燕", "陈志远"], (
        "the clerk who received it, and who decided"
    )


async def test_quick_relief_is_decided_by_one_person_and_never_above_the_cap(everywhere: Platform) -> None:
    who = person("周急难", date(1975, 6, 1))
    given = await everywhere.submit(relief(who, "2000.00"))
    number = given["application_no"]
    review = await task(everywhere, "assistance", number, "handler", "temporary_review")
    assert review["data"]["proposal"]["amount"] == "830.00"
    lease = (await claim(everywhere, review, "handler")).json()["lease"]
    over = await decide(everywhere, review, "handler", "approve", lease=lease, result={"amount": "830.01"})
    assert (over.status_code, over.json()["code"]) == (422, "OVER_CAP")
    assert over.json()["law"]
    odd = await decide(everywhere, review, "handler", "approve", lease=lease, result={"amount": "many"})
    assert odd.json()["errors"][0]["pointer"] == "/result/amount"
    await settle(everywhere, review, "handler", "approve", lease=lease, result={"amount": "600.00"})
    closed = await ended(everywhere, number)
    result = item_of(closed, "assistance.temporary")["result"]
    assert (closed["outcome"], result["amount"]) == ("approved", "600.00")
    told = await published(everywhere, "onewindow.assistance.events", "TemporaryAssistanceGranted", given["case_id"])
    assert [t["amount"] for t in told] == ["600.00"]
    assert (await everywhere.post("/api/intake/applications", relief(who, "100.00"))).status_code == 201


async def test_urgent_relief_needs_a_second_person(everywhere: Platform) -> None:
    given = await everywhere.submit(relief(person("吴紧急", date(1980, 1, 9)), "1500.00", hardship_type="urgent"))
    number = given["application_no"]
    review = await task(everywhere, "assistance", number, "handler", "temporary_review")
    await settle(everywhere, review, "handler", "approve", result={"amount": "1200.00"})
    approval = await task(everywhere, "assistance", number, "approver", "temporary_approval")
    assert approval["data"]["opinion"]["amount"] == "1200.00"
    await settle(everywhere, approval, "approver", "approve")
    assert item_of(await ended(everywhere, number), "assistance.temporary")["result"]["amount"] == "1200.00"


async def test_another_district_sees_and_decides_nothing_here(everywhere: Platform) -> None:
    given, review = await received(everywhere)
    assert await everywhere.tasks("elderly", given["application_no"], "handler_other") == []
    for path in ("", "/claim", "/release"):
        url = f"/api/elderly/tasks/{review['id']}{path}"
        answer = await (everywhere.post(url, {}, "handler_other") if path else everywhere.get(url, "handler_other"))
        assert answer.status_code == 404
    assert (await everywhere.get("/api/elderly/tasks", "citizen")).status_code == 403
