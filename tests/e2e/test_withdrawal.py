"""Withdrawal, whole or of one matter: what was applied for ends, what runs by law goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.acting import (
    allowance,
    bereavement,
    claim,
    cremated,
    decide,
    ended,
    events,
    family,
    hand_in,
    item_of,
    person,
    report,
    say,
    settle,
    statuses,
    task,
    when,
)
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e


async def withdraw(platform: Platform, number: str, account: str = "clerk", **body):
    return await platform.post(f"/api/intake/applications/{number}/withdraw", {"reason": "不办了", **body}, account)


async def test_one_matter_is_withdrawn_and_the_rest_goes_on(everywhere: Platform) -> None:
    of = family(everywhere)
    await say(everywhere, "cremation", of.deceased, "silent")
    given = await hand_in(everywhere, of)
    number = given["application_no"]
    answer = await withdraw(everywhere, number, matters=["funeral.fee_waiver"])
    assert answer.status_code == 202
    seen = await when(everywhere, number, lambda a: statuses(a)["funeral.fee_waiver"] == "withdrawn", "to be withdrawn")
    assert seen["status"] == "partial"
    assert await events(everywhere, "onewindow.funeral.requests", "WithdrawalRequested", given["case_id"])
    (answered,) = await events(everywhere, "onewindow.funeral.answers", "WithdrawalAnswered", given["case_id"])
    assert answered["answer"] == "agreed"
    nothing = await withdraw(everywhere, number)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "NOTHING_TO_WITHDRAW")
    assert (await cremated(everywhere, report(of, "HH-W1"))).status_code == 201
    closed = await ended(everywhere, number)
    assert (closed["status"], closed["outcome"]) == ("closed", "approved")
    assert statuses(closed)["funeral.cremation"] == "approved"
    later = {**bereavement(everywhere, of), "bundle": None, "matters": ["funeral.fee_waiver"]}
    del later["form"]["payee"]
    again = await everywhere.submit(later)  # what comes before it was granted, so it may be applied for alone
    assert (await ended(everywhere, again["application_no"]))["outcome"] == "approved"


async def test_a_whole_application_is_withdrawn_and_may_be_handed_in_again(everywhere: Platform) -> None:
    who = person("冯撤回")
    number = (await everywhere.submit(allowance(who)))["application_no"]
    review = await task(everywhere, "elderly", number, "handler", "age_allowance_review")
    lease = (await claim(everywhere, review, "handler")).json()["lease"]
    assert (await withdraw(everywhere, number)).status_code == 202
    over = await ended(everywhere, number)
    assert (over["status"], over["outcome"]) == ("withdrawn", None)
    late = await decide(everywhere, review, "handler", "approve", lease=lease)
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "TASK_CLOSED", "cancelled")
    assert (await everywhere.application(number))["status"] == "withdrawn"
    assert (await everywhere.post("/api/intake/applications", allowance(who))).status_code == 201


async def test_only_the_owner_and_who_receives_there_may_withdraw(everywhere: Platform) -> None:
    number = (await everywhere.submit(allowance(person("于他人"))))["application_no"]
    for account in ("citizen", "clerk_other"):
        assert (await withdraw(everywhere, number, account)).status_code == 404
    assert (await withdraw(everywhere, number, "handler")).status_code == 403
    wrong = await withdraw(everywhere, number, matters=["funeral.cremation"])
    assert wrong.json()["errors"][0]["code"] == "MATTER_NOT_IN_CASE"


async def test_a_decision_and_a_withdrawal_at_one_instant_end_in_one_outcome(everywhere: Platform) -> None:
    async def race(n: int) -> tuple[str, str]:
        number = (await everywhere.submit(allowance(person(f"董同时{n}"))))["application_no"]
        review = await task(everywhere, "elderly", number, "handler", "age_allowance_review")
        await settle(everywhere, review, "handler", "approve")
        approval = await task(everywhere, "elderly", number, "approver", "age_allowance_approval")
        lease = (await claim(everywhere, approval, "approver")).json()["lease"]
        decided, _ = await asyncio.gather(
            decide(everywhere, approval, "approver", "approve", lease=lease), withdraw(everywhere, number)
        )
        over = await ended(everywhere, number)
        item = item_of(over, "elderly.age_allowance")
        assert (item["status"] == "approved") == (decided.status_code == 200), (decided.text, item)
        runs = (await everywhere.get(f"/api/elderly/items/{item['id']}/effects", "handler")).status_code
        assert runs == 200
        return item["status"], over["status"]

    seen = await asyncio.gather(*(race(n) for n in range(4)))
    assert set(seen) <= {("approved", "closed"), ("withdrawn", "withdrawn")}
