"""A task that nobody takes reaches stand-in, leader and the unit above, each with a date."""

from __future__ import annotations

from datetime import date

import pytest

from tests.e2e.acting import allowance, ended, person, settle, task
from tests.support.database import eventually
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e


async def looked_at(platform: Platform, at, account: str):
    return (await platform.get(f"/api/elderly/tasks/{at['id']}", account)).json()


async def test_a_task_that_nobody_takes_climbs_until_somebody_decides_it(moving: Platform) -> None:
    given = await moving.submit(allowance(person("程等待", date(1944, 2, 2))))
    number = given["application_no"]
    review = await task(moving, "elderly", number, "handler", "age_allowance_review")
    assert (await looked_at(moving, review, "supervisor"))["may_act"] is False
    escalations = []

    async def climbed_to(reached, what):
        await moving.post("/api/dev/clock", {"days": 5})
        await eventually(lambda: looked(reached), what, 10)

    async def looked(reached):
        seen = await looked_at(moving, review, "supervisor")
        escalations.append((seen["unit"], seen["may_act"]))
        return reached(seen)

    await moving.post("/api/dev/clock", {"days": 6})  # past its date: the stand-in may act, who already could
    await climbed_to(lambda t: t["may_act"], "the leader to be let in")
    assert escalations[-1][0] == "420112-ELDERLY"
    await climbed_to(lambda t: t["unit"] == "420112", "the unit above to have it")
    await settle(moving, review, "supervisor", "approve")
    approval = await task(moving, "elderly", number, "approver", "age_allowance_approval")
    assert (await looked_at(moving, approval, "supervisor"))["may_act"] is False, "four eyes hold for the leader too"
    await settle(moving, approval, "approver", "approve")
    assert (await ended(moving, number))["outcome"] == "approved"
