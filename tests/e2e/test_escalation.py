"""A task that nobody takes reaches stand-in, leader and the unit above, each with a date."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from tests.e2e.acting import allowance, ended, person, say, settle, task
from tests.support.database import eventually
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e


async def looked_at(platform: Hosted, at, account: str):
    return (await platform.get(f"/api/elderly/tasks/{at['id']}", account)).json()


async def standing(platform: Hosted, at):
    item = await platform.host.services["elderly"].load("item", UUID(at["item_id"]))
    return next(t for t in item.tasks if str(t.id) == at["id"])


async def overdue(platform: Hosted, at, step: int) -> None:
    """Lets the day pass on which the next ones are let in."""
    day = (await standing(platform, at)).escalate_on
    await platform.post("/api/dev/clock", {"to": f"{day + timedelta(days=1)}T01:00:00+08:00"})

    async def climbed() -> bool:
        return (await standing(platform, at)).escalation >= step

    await eventually(climbed, f"step {step} of the escalation")


async def test_a_task_that_nobody_takes_climbs_until_somebody_decides_it(moving: Hosted) -> None:
    who = person("程等待", date(1944, 2, 2))
    # Every source answers, so that nothing but the task's own dates stands in the way of the clock.
    await say(moving, "household", who, "confirmed", data={"hukou_region": "420112"})
    await say(moving, "life_check", who, "confirmed", data={"alive": True})
    given = await moving.submit(allowance(who))
    number = given["application_no"]
    review = await task(moving, "elderly", number, "handler", "age_allowance_review")
    assert (await looked_at(moving, review, "supervisor"))["may_act"] is False
    await overdue(moving, review, 1)
    assert (await standing(moving, review)).admitted == ["deputy"]
    await overdue(moving, review, 2)
    looked = await looked_at(moving, review, "supervisor")
    assert (looked["may_act"], looked["unit"], looked["lamp"]) == (True, "420112-ELDERLY", "red")
    await overdue(moving, review, 3)
    # The county's bureau has no handler of its own, so it goes to the one above that; nobody let in is shut out.
    assert (await standing(moving, review)).unit == "420100"
    for account in ("handler", "deputy", "supervisor"):
        assert (await looked_at(moving, review, account))["may_act"] is True
        assert [t["id"] for t in await moving.tasks("elderly", number, account)] == [review["id"]]
    await settle(moving, review, "supervisor", "approve")
    approval = await task(moving, "elderly", number, "approver", "age_allowance_approval")
    assert (await looked_at(moving, approval, "supervisor"))["may_act"] is False, "four eyes hold for the leader too"
    await settle(moving, approval, "approver", "approve")
    assert (await ended(moving, number))["outcome"] == "approved"
