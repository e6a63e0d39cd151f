"""The case as staff see it, and the sweeper, over a running platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from demo.families import bereavement_application, invent_family
from services.coordinator.service import sweep
from shared.changes import Changes
from shared.clock import beijing_date
from tests.support.database import eventually
from tests.support.platform import Hosted


async def test_staff_see_the_plan_as_a_graph_and_citizens_nothing_of_it(platform: Hosted) -> None:
    received = await _hand_in(platform, 7101)
    await platform.closed(received["application_no"])
    path = f"/api/coordinator/cases/{received['case_id']}"
    case = (await platform.get(path)).json()
    assert (case["status"], case["outcome"], case["obligations"]) == ("closed", "approved", [])
    assert len(case["items"]) == 5
    assert [edge["from"] for edge in case["edges"]].count("death_confirmed") == 3
    assert case["clock"]["examination"]["due"]
    assert (await platform.get(path, "citizen")).status_code == 403
    assert (await platform.get(f"/api/coordinator/cases/{UUID(int=7)}")).status_code == 404


async def test_an_item_whose_handler_fell_silent_becomes_an_operators_task(platform: Hosted) -> None:
    received = await _hand_in(platform, 7102)
    await platform.closed(received["application_no"])
    handle = platform.host.services["coordinator"]
    case_id = UUID(received["case_id"])

    def lose_answers(case, ctx):
        item = next(iter(case.items.values()))
        item.outcome = item.result = case.closed_at = None
        item.unanswered_since = ctx.now - timedelta(hours=1)
        return Changes(case), None

    await handle.command("case", case_id, lose_answers, actor="test")
    await eventually(lambda: _swept(handle), "the sweeper to find the silent item")
    assert await sweep(handle) == 0
    (task,) = await platform.tasks("coordinator", received["application_no"], "operator")
    assert (task["kind"], task["stage"]) == ("stuck", "operator")


async def _hand_in(platform: Hosted, seed: int) -> dict[str, Any]:
    today = beijing_date(platform.host.clock.now())
    return await platform.submit(bereavement_application(invent_family(seed, today), today))


async def _swept(handle) -> bool:
    return await sweep(handle) > 0
