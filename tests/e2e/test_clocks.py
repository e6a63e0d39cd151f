"""The clocks of a case by the virtual clock: one paper of three services, a lapse, a pause, an extension, a red lamp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from demo.people import Person
from services.coordinator.service import recount_all
from services.elderly.tables import HANDLING
from shared.calendar import WorkingCalendar
from shared.handling.recount import recount_items, recount_tasks
from shared.handling.tables import ITEM
from tests.e2e.acting import (
    allowance,
    claim,
    decide,
    ended,
    events,
    item_of,
    person,
    relief,
    say,
    settle,
    statuses,
    task,
    when,
)
from tests.support.alone import FIFTH
from tests.support.database import Server, eventually
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
AGE, RELIEF, ROOM = "elderly.age_allowance", "assistance.temporary", "library.reading_room"
TASK = HANDLING.task
COORDINATOR = "onewindow.coordinator.events"


@pytest_asyncio.fixture(loop_scope="session")
async def world(server: Server) -> AsyncIterator[Hosted]:
    """A platform with a licence in its catalogue; its clock begins on a Saturday on which the hall is open."""
    async with run_platform(await server.new_platform_database(), catalog=str(FIFTH)) as made:
        yield made


async def go_to(platform: Hosted, moment: str) -> None:
    answer = await platform.post("/api/dev/clock", {"to": f"{moment}:00+08:00"})
    assert answer.status_code == 200, answer.text


async def known(platform: Hosted, name: str) -> Person:
    """A person of whom every source speaks at once, so that nothing but the clocks is waited for."""
    who = person(name, date(1944, 2, 2))
    await say(platform, "household", who, "confirmed", data={"hukou_region": "420112"})
    await say(platform, "life_check", who, "confirmed", data={"alive": True})
    return who


def licence(who: Person, *materials: str) -> dict[str, Any]:
    return {
        "matters": [ROOM],
        "channel": "window",
        "accept_region": "420112",
        "applicant": who.party("applicant"),
        "form": {},
        "materials": [{"type": kind, "source": "paper"} for kind in materials],
    }


async def graph(platform: Hosted, case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await platform.get(f"/api/coordinator/cases/{case_id}")).json()
    return found


async def test_what_three_services_find_is_told_in_one_paper_and_cured_at_once(world: Hosted) -> None:
    who = await known(world, "孔三处")
    handed_in = {**allowance(who), "matters": [AGE, RELIEF, ROOM]}
    handed_in["form"] |= relief(who, "500.00")["form"]
    handed_in["form"]["bank_account"] = {"holder": "别人", "number": "6222020000000001234"}
    given = await world.submit(handed_in)
    number = given["application_no"]
    asked = await when(world, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    assert set(statuses(asked).values()) == {"correcting"}
    (paper,) = await events(world, COORDINATOR, "CorrectionIssued", given["case_id"])
    assert (paper["number"], len(paper["items"]), paper.get("silent", [])) == (1, 3, [])
    assert paper["answer_by"] == "2026-12-07", "the fifteenth day is a Sunday"
    lines = (await world.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    assert [line["kind"] for line in lines].count("correction") == 1
    account = {"holder": who.name, "number": "6222020000000001234"}
    cure = {
        "round": 1,
        "form": {"bank_account": account},
        "materials": [{"type": "photo", "source": "paper"}],
    }
    answer = await world.post(f"/api/intake/applications/{number}/supplement", cure)
    assert answer.status_code == 200, answer.text
    await when(world, number, lambda a: "correcting" not in statuses(a).values(), "to be cured")
    assert len(await events(world, COORDINATOR, "CorrectionIssued", given["case_id"])) == 1
    assert [t["kind"] for t in await world.tasks("coordinator", number, "supervisor")] == []


async def correction_of(platform: Hosted, number: str) -> str:
    """The id of the correction paper, once it stands in its application."""
    found = await when(platform, number, lambda a: [p for p in a["papers"] if p["kind"] == "correction"], "the paper")
    paper_id: str = next(p["id"] for p in found["papers"] if p["kind"] == "correction")
    return paper_id


async def hand_over(platform: Hosted, number: str, who: Person) -> None:
    """The window hands the correction paper to the applicant."""
    at = platform.host.clock.now().isoformat()
    path = f"/api/intake/applications/{number}/papers/{await correction_of(platform, number)}/deliveries"
    answer = await platform.post(path, {"method": "in_person", "at": at, "receiver": who.name})
    assert answer.status_code == 201, answer.text


async def test_a_correction_that_nobody_answers_ends_and_may_be_handed_in_again(world: Hosted) -> None:
    who = await known(world, "卫逾期")
    given = await world.submit(licence(who))
    number = given["application_no"]
    await when(world, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    await hand_over(world, number, who)
    await go_to(world, "2026-12-07T23:00")
    assert (await world.application(number))["status"] == "correcting"
    await go_to(world, "2026-12-08T00:30")
    over = await ended(world, number)
    assert (over["status"], item_of(over, ROOM)["result"]["reason_code"]) == ("terminated", "CORRECTION_NOT_ANSWERED")
    assert (await world.post("/api/intake/applications", licence(who, "photo"))).status_code == 201


async def test_news_to_one_who_agreed_lets_the_days_to_answer_run(world: Hosted) -> None:
    """The paper is issued on a Saturday; its news goes out when a messenger takes it, and the days run from there."""
    who = await known(world, "华电子")
    raw = allowance(who, electronic_delivery=True)
    raw["form"]["bank_account"] = {"holder": "别人", "number": "6222020000000001234"}
    number = (await world.submit(raw))["application_no"]
    asked = await when(world, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    assert item_of(asked, AGE)["waiting_on"]["until"] == "2026-12-07"

    async def delivered() -> bool:
        papers = (await world.application(number))["papers"]
        return any(p["kind"] == "correction" and p["delivered_at"] for p in papers)

    await eventually(delivered, "the news to deliver the paper")

    async def told() -> bool:
        state = await world.host.services["coordinator"].load("case", UUID(asked["case_id"]))
        return bool(state.papers[0].delivered)

    await eventually(told, "the coordinator to learn of the delivery")
    await go_to(world, "2026-12-08T00:30")
    assert (await ended(world, number))["status"] == "terminated"


async def test_whoever_was_never_told_loses_nothing_by_silence(world: Hosted) -> None:
    given = await world.submit(licence(await known(world, "金未达")))
    number = given["application_no"]
    await when(world, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    await go_to(world, "2026-12-08T00:30")
    looked = await task(world, "coordinator", number, "supervisor", "not_answered")
    assert looked["reason_code"] == "CORRECTION_NOT_DELIVERED"
    assert (await world.application(number))["status"] == "correcting"


async def test_a_licence_that_nobody_examines_is_accepted_as_of_receiving_and_never_approved(world: Hosted) -> None:
    given = await world.submit(licence(await known(world, "蒋届满"), "photo"))
    number = given["application_no"]
    check = await task(world, "library", number, "supervisor", "reading_room_check")
    assert item_of(await world.application(number), ROOM)["status"] == "requested"
    # Received on a Saturday on which the hall is open for longer: as on Monday the 23rd; five working days on.
    await go_to(world, "2026-11-30T23:00")
    assert (await world.application(number))["accepted_at"] is None
    await go_to(world, "2026-12-01T00:30")
    taken = await when(world, number, lambda a: a["accepted_at"], "to be accepted by law")
    assert taken["accepted_at"] == taken["received_at"]
    item = item_of(taken, ROOM)
    assert (item["status"], item["due"]["promised"], item["result"]) == ("accepted", "2026-12-07", None)
    told = await task(world, "coordinator", number, "supervisor", "deemed_accepted")
    assert told["reason_code"] == "NOT_EXAMINED_IN_TIME"

    async def service_knows() -> bool:
        return (await world.host.services["library"].load("item", UUID(item["id"]))).accepted_at is not None

    await eventually(service_knows, "the service to learn of the acceptance")
    late = await decide(world, check, "supervisor", "not_accept", reason_code="TOO_LATE", comment="逾期提出")
    assert (late.status_code, late.json()["code"]) == (409, "OUTCOME_NOT_POSSIBLE")
    await settle(world, check, "supervisor", "approve")
    assert (await ended(world, number))["outcome"] == "approved"


async def test_a_pause_on_a_listed_ground_moves_the_day_and_any_other_is_refused(world: Hosted) -> None:
    given = await world.submit(licence(await known(world, "沈暂停"), "photo"))
    number = given["application_no"]
    check = await task(world, "library", number, "supervisor", "reading_room_check")
    await go_to(world, "2026-12-01T09:00")  # accepted by law by now
    await when(world, number, lambda a: a["accepted_at"], "to be accepted by law")
    lease = (await claim(world, check, "supervisor")).json()["lease"]
    odd = await decide(world, check, "supervisor", "pause", lease=lease, ground="HOLIDAY", until="2026-12-04")
    assert (odd.status_code, odd.json()["errors"][0]["code"]) == (422, "PAUSE_GROUND_NOT_LISTED")
    await settle(world, check, "supervisor", "pause", lease=lease, ground="HEARING", until="2026-12-03")
    paused = await when(world, number, lambda a: item_of(a, ROOM)["status"] == "paused", "to be paused")
    assert item_of(paused, ROOM)["lamp"] == "grey"
    shown = (await graph(world, given["case_id"]))["items"][0]
    assert (shown["pause"]["ground"], shown["pause"]["until"]) == ("HEARING", "2026-12-03")
    await go_to(world, "2026-12-04T09:00")
    await task(world, "coordinator", number, "supervisor", "pause_over")
    lease = (await claim(world, check, "supervisor")).json()["lease"]
    await settle(world, check, "supervisor", "resume", lease=lease, ground="HEARING")
    on = await when(world, number, lambda a: item_of(a, ROOM)["status"] == "accepted", "to go on")
    assert item_of(on, ROOM)["due"]["promised"] == "2026-12-10", "the second, third and fourth did not count"
    assert await world.tasks("coordinator", number, "supervisor") != [], "the supervisor still knows of the lapse"


async def test_an_extension_is_asked_for_by_the_handler_and_given_by_a_named_leader(world: Hosted) -> None:
    given = await world.submit(allowance(await known(world, "韩延期")))
    number = given["application_no"]
    review = await task(world, "elderly", number, "handler", "age_allowance_review")
    before = item_of(await when(world, number, lambda a: item_of(a, AGE)["due"]["promised"], "to be dated"), AGE)
    lease = (await claim(world, review, "handler")).json()["lease"]
    to = "2026-12-04"
    for body, code in (
        ({"until": "2027-03-01"}, "EXTENSION_TOO_LONG"),
        ({"until": before["due"]["promised"]}, "EXTENSION_NOT_LATER"),
    ):
        refused = await decide(world, review, "handler", "extend", lease=lease, reason_code="COMPLEX", **body)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    await settle(world, review, "handler", "extend", lease=lease, until=to, reason_code="COMPLEX")
    asked = await task(world, "elderly", number, "supervisor", "extension")
    assert (await claim(world, asked, "handler")).status_code == 403, "a handler gives no extension"
    await settle(world, asked, "supervisor", "approve")
    longer = await when(world, number, lambda a: item_of(a, AGE)["due"]["promised"] == to, "to be extended")
    assert "item_extended" in str((await world.get(f"/api/intake/applications/{number}/timeline")).json())
    shown = (await graph(world, given["case_id"]))["items"][0]
    assert shown["handled"] == {"accepted_by": None, "resumed_by": None}
    assert shown["extension"] == {"to": to, "approved_by": "supervisor", "reason_code": "COMPLEX"}
    assert item_of(longer, AGE)["lamp"] == "green"
    again = await decide(world, review, "handler", "extend", until="2026-12-08", reason_code="COMPLEX")
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_EXTENDED")


async def slip_of(platform: Hosted, number: str, account: str) -> str:
    """The slip of supervision, once that account sees it."""
    found: list[str] = []

    async def made() -> bool:
        papers = (await platform.application(number, account))["papers"]
        found[:] = [p["id"] for p in papers if p["kind"] == "supervision"]
        return bool(found)

    await eventually(made, "a slip of supervision")
    return found[0]


async def test_past_the_promise_a_supervisor_is_told_and_nothing_is_approved(world: Hosted) -> None:
    given = await world.submit(allowance(await known(world, "杨超时")))
    number = given["application_no"]
    await task(world, "elderly", number, "handler", "age_allowance_review")
    dated = await when(world, number, lambda a: item_of(a, AGE)["due"]["promised"], "to be dated")
    assert item_of(dated, AGE)["due"]["promised"] == "2026-11-30"
    await go_to(world, "2026-11-30T12:00")
    assert item_of(await world.application(number), AGE)["lamp"] == "yellow"
    shown = (await graph(world, given["case_id"]))["items"][0]
    assert shown["signs"] == {"yellow": "2026-11-27"}
    await go_to(world, "2026-12-01T00:30")
    red = await task(world, "coordinator", number, "supervisor", "overdue")
    assert (red["reason_code"], red["data"]["since"]) == ("PROMISE_PASSED", "2026-12-01")
    slip = await slip_of(world, number, "supervisor")
    looked = await world.get(f"/api/intake/applications/{number}/papers/{slip}", "supervisor")
    said = str(looked.json()["content"]["parts"])
    assert "超过承诺的办理期限" in said
    assert "东西湖区民政局养老服务科" in said, "the unit by its name"
    assert "supervision" not in {p["kind"] for p in (await world.application(number))["papers"]}
    hidden = await world.get(f"/api/intake/applications/{number}/papers/{slip}")
    assert hidden.status_code == 404, "a slip of supervision goes to the units concerned alone"
    late = await world.application(number)
    assert (item_of(late, AGE)["lamp"], item_of(late, AGE)["result"]) == ("red", None)


async def test_a_new_calendar_redates_what_was_provisional_and_says_so_in_the_audit(world: Hosted) -> None:
    await go_to(world, "2026-12-29T09:00")
    given = await world.submit(allowance(await known(world, "朱新历")))
    number = given["application_no"]
    dated = await when(world, number, lambda a: item_of(a, AGE)["due"]["promised"], "to be dated")
    assert item_of(dated, AGE)["due"] == {"promised": "2027-01-06", "legal": None, "provisional": True}
    review = await task(world, "elderly", number, "handler", "age_allowance_review")
    calendar = WorkingCalendar.load({date(2027, 1, day): day not in (1, 3) for day in range(1, 11)})
    handle = world.host.services["coordinator"]
    assert await recount_all(handle, calendar) == 1
    assert await recount_all(handle, calendar) == 0
    sooner = await when(world, number, lambda a: not item_of(a, AGE)["due"]["provisional"], "to be dated anew")
    assert item_of(sooner, AGE)["due"]["promised"] == "2027-01-05", "the second of January is worked"
    async with world.host.db.transaction(None) as conn:
        rows = await conn.fetch("SELECT actor, aggregate_id FROM coordinator.audit WHERE action = 'calendar.updated'")
    assert [(row["actor"], row["aggregate_id"]) for row in rows] == [("calendar", given["case_id"])]
    elderly = world.host.services["elderly"]
    assert await recount_tasks(elderly, ITEM, TASK, recount_items(TASK), calendar) == 1
    assert await recount_tasks(elderly, ITEM, TASK, recount_items(TASK), calendar) == 0
    moved = await task(world, "elderly", number, "handler", "age_allowance_review")
    assert moved["due"] < review["due"], "and so is whoever reviews it"
