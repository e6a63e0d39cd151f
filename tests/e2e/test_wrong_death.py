"""我还健在: a death that was not so. An objection holds everything at once; a retraction undoes it in every service."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from demo.families import Family
from demo.story_household import roll_of
from tests.e2e.acting import (
    bereavement,
    cremated,
    decide,
    family,
    hand_in,
    item_of,
    published,
    report,
    settle,
    statuses,
    task,
    when,
)
from tests.support.database import eventually
from tests.support.platform import PASSWORD, Hosted, Platform

pytestmark = pytest.mark.e2e
ALL = (
    "funeral.cremation",
    "funeral.fee_waiver",
    "elderly.benefit_stop",
    "assistance.benefit_stop",
    "marriage.record_annotation",
)


async def closed_case(platform: Platform) -> tuple[Family, dict[str, Any]]:
    """A household's case, all five matters approved."""
    of = family(platform)
    assert (await platform.post("/api/dev/facts", roll_of(of))).status_code == httpx.codes.CREATED
    given = await hand_in(platform, of)
    closed = await platform.closed(given["application_no"])
    assert set(statuses(closed).values()) == {"approved"}
    return of, closed


async def object_to(platform: Platform, number: str, account: str = "clerk", **body: Any) -> dict[str, Any]:
    path = f"/api/intake/applications/{number}/objections"
    answer = await platform.post(path, {"reason": "alive", "comment": "本人到窗口说明还健在", **body}, account)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def frozen(platform: Platform, number: str) -> dict[str, Any]:
    def held(a: dict[str, Any]) -> bool:
        return all((i["waiting_on"] or {}).get("name") == "OBJECTION" for i in a["items"])

    return await when(platform, number, held, "everything to be held")


async def effects(platform: Platform, service: str, item_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await platform.get(f"/api/{service}/items/{item_id}/effects", "handler")).json()
    return found


async def stands(platform: Platform, service: str, item_id: str, state: str) -> None:
    """Until every stop of the item is in this state."""

    async def look() -> bool:
        return {s["state"] for s in (await effects(platform, service, item_id))["stops"]} == {state}

    await eventually(look, f"the stops of {service} to be {state}")


async def test_a_wrong_death_is_held_at_once_and_undone_in_every_service(everywhere: Platform) -> None:
    of, closed = await closed_case(everywhere)
    number, elderly = closed["application_no"], item_of(closed, "elderly.benefit_stop")["id"]
    raised = await object_to(everywhere, number)
    assert (raised["state"], raised["fact"]) == ("open", "death_confirmed")
    assert (await object_to(everywhere, number))["id"] == raised["id"], "one doubt is looked into once"
    await frozen(everywhere, number)
    await stands(everywhere, "elderly", elderly, "suspended")
    check = await task(everywhere, "intake", number, "supervisor", "objection_check")
    bare = await decide(everywhere, check, "supervisor", "deny", reason_code="ALIVE")
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/result/evidence")
    await settle(everywhere, check, "supervisor", "deny", reason_code="ALIVE", result={"evidence": "本人持身份证到场"})
    over = await when(
        everywhere, number, lambda a: set(statuses(a).values()) == {"revoked"}, "everything to be revoked"
    )
    assert over["status"] == "closed"
    await when(everywhere, number, lambda a: "revocation" in {p["kind"] for p in a["papers"]}, "the papers of it")
    await nothing_is_left(everywhere, of, over)
    await is_timed(everywhere, number)
    told = (await published(everywhere, "onewindow.intake.events", "LifeEventReported", over["case_id"]))[0]
    assert (told["kind"], told["retracted"]) == ("death", True)
    again = await everywhere.submit(bereavement(everywhere, of))
    assert again["application_no"] != number, "a retracted death opens what it closed"


async def nothing_is_left(platform: Platform, of: Family, over: dict[str, Any]) -> None:
    """Allowance back with arrears, household as before, record free of the annotation; money is people's to settle."""
    number, case = over["application_no"], over["case_id"]
    for service in ("elderly", "assistance"):
        item = item_of(over, f"{service}.benefit_stop")["id"]
        left = await effects(platform, service, item)
        assert {s["state"] for s in left["stops"]} <= {"reversed"}
        sums = {s["kind"]: s["state"] for s in left["settlements"]}
        assert sums.get("owed", "reversed") == "reversed"
        if service == "elderly":
            assert sums["arrears"] == "payable"
        else:
            assert [r["state"] for r in left["household_reviews"]] == ["reversed"]
    restored = await published(platform, "onewindow.elderly.events", "AllowanceRestored", case)
    assert restored[0]["arrears"] > "0.00"
    assert await published(platform, "onewindow.marriage.events", "AnnotationRemoved", case)
    waived = await published(platform, "onewindow.funeral.events", "FeeWaiverReversed", case)
    assert waived[0]["waived"] == item_of_waiver(of)
    assert await task(platform, "funeral", number, "supervisor", "cremated_person")
    assert await task(platform, "funeral", number, "handler", "waiver_recovery")
    assert await task(platform, "marriage", number, "registrar", "annotation_removed")


def item_of_waiver(of: Family) -> str:
    """All that the home charged is waived for an invented family."""
    return f"{sum(float(line['charged']) for line in of.fee_items):.2f}"


async def is_timed(platform: Platform, number: str) -> None:
    """How long it took until all was held, and undone: a figure of its own, in business minutes."""
    listed = (await platform.get(f"/api/intake/applications/{number}/objections", "supervisor")).json()["items"]
    assert [o["state"] for o in listed] == ["upheld"]
    held, undone = listed[0]["frozen_after_minutes"], listed[0]["undone_after_minutes"]
    assert 0 <= held <= undone
    assert held < 1, "held within the minute"


async def test_an_unfounded_objection_lets_everything_go_on(everywhere: Platform) -> None:
    _, closed = await closed_case(everywhere)
    number, elderly = closed["application_no"], item_of(closed, "elderly.benefit_stop")["id"]
    await object_to(everywhere, number, reason="wrong_date")
    await frozen(everywhere, number)
    review = await task(everywhere, "assistance", number, "handler", "household_review")
    refused = await decide(everywhere, review, "handler", "deny", reason_code="OTHER")
    assert (refused.status_code, refused.json()["code"]) == (409, "EFFECTS_FROZEN")
    check = await task(everywhere, "intake", number, "supervisor", "objection_check")
    await settle(everywhere, check, "supervisor", "approve", result={"evidence": "医院原件"})
    seen = await when(everywhere, number, lambda a: not any(i["waiting_on"] for i in a["items"]), "to go on")
    assert set(statuses(seen).values()) == {"approved"}
    await stands(everywhere, "elderly", elderly, "in_force")
    await settle(everywhere, review, "handler", "deny", reason_code="OTHER")


async def test_an_objection_while_the_case_is_open_stops_it_until_it_is_decided(moving: Hosted) -> None:
    of = family(moving)
    await moving.post(
        "/api/dev/facts",
        {
            "source": "cremation",
            "about": {"person": {"name": of.deceased.name, "id_type": "resident_id", "id_no": of.deceased.id_no}},
            "status": "silent",
        },
    )
    number = (await hand_in(moving, of))["application_no"]
    await when(moving, number, lambda a: statuses(a)["elderly.benefit_stop"] == "approved", "the stop")
    await object_to(moving, number)
    await frozen(moving, number)
    assert (await cremated(moving, report(of, f"WD-{number[-6:]}"))).status_code == httpx.codes.CREATED
    check = await task(moving, "intake", number, "supervisor", "objection_check")
    assert statuses(await moving.application(number))["funeral.cremation"] == "requested", "no rule goes on meanwhile"
    await settle(moving, check, "supervisor", "approve", result={"evidence": "核对无误"})
    assert (await moving.closed(number))["outcome"] == "approved"


async def test_whoever_is_said_to_be_dead_may_object_and_is_shown_nothing_else(platform: Hosted) -> None:
    """The demonstration's citizen is the one whose death another reported."""
    of = family(platform)
    body = bereavement(platform, of)
    body["subject"] |= {"name": "李明", "id_no": "420112197003150014"}
    body["form"]["death"].pop("cert_no", None)
    number = (await platform.submit(body))["application_no"]
    assert (await platform.get(f"/api/intake/applications/{number}", "citizen")).status_code == httpx.codes.NOT_FOUND
    raised = await object_to(platform, number, "citizen")
    assert raised["reason"] == "alive"
    path = f"/api/intake/applications/{number}/objections"
    assert (await platform.get(path, "citizen")).status_code == httpx.codes.OK
    assert (await platform.post(path, {"reason": "alive"}, "clerk_other")).status_code == httpx.codes.NOT_FOUND
    for department in ("psb", "court"):
        form = {"grant_type": "client_credentials", "client_id": department, "client_secret": PASSWORD}
        async with platform.client() as client:
            platform._tokens[department] = (await client.post("/api/auth/token", data=form)).json()["access_token"]
    source = await platform.post(path, {"reason": "alive"}, "psb")
    assert (source.status_code, source.json()["ground"]) == (201, "SOURCE_CONTRADICTS"), "a later contradiction"
    assert (await platform.post(path, {"reason": "alive"}, "court")).status_code == httpx.codes.FORBIDDEN
    unsaid = await platform.post(path, {}, "psb")
    assert (unsaid.status_code, unsaid.json()["errors"][0]["pointer"]) == (422, "/reason"), (
        "holding back needs a reason"
    )
    wrong = await platform.post(path, {"fact": "no_such_fact", "reason": "other"}, "clerk")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/fact")
