"""Facts from sources: contradicted, a person finds out; silent, the item waits visibly and nothing passes by default."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.acting import (
    cremated,
    decide,
    family,
    hand_in,
    item_of,
    report,
    say,
    settle,
    settle_if_open,
    statuses,
    task,
    when,
)
from tests.support.database import eventually
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e
DEPENDANTS = ("elderly.benefit_stop", "assistance.benefit_stop", "marriage.record_annotation")


async def contradicted(platform: Platform):
    of = family(platform)
    await say(platform, "death", of.deceased, "contradicted")
    number = (await hand_in(platform, of))["application_no"]
    check = await task(platform, "intake", number, "clerk", "fact_check")
    seen = await platform.application(number)
    assert {statuses(seen)[m] for m in DEPENDANTS} == {"waiting"}
    return number, check


async def approve_what_went_to_a_person(platform: Platform, number: str) -> dict[str, Any]:
    """While a fact is contradicted no rule decides: a person looks at what a rule proposes."""
    seen: dict[str, Any] = {}

    async def over() -> bool:
        mine = [at for at in await platform.tasks("funeral", number, "handler") if at["role"] == "handler"]
        for at in mine:  # beside it a supervisor may have been asked whose body it was
            assert at["kind"] == "rule_review"
            await settle_if_open(platform, at, "handler", "approve", reason_code="SEEN")
        seen.update(await platform.application(number))
        return seen["status"] == "closed"

    await eventually(over, f"{number} to close", 60)
    return seen


async def test_a_contradicted_death_is_found_out_by_the_receiving_unit_and_confirmed(everywhere: Platform) -> None:
    number, check = await contradicted(everywhere)
    assert check["unit"] == "420112-HALL-W01"
    assert check["due"] > "2026-11-21"
    bare = await decide(everywhere, check, "clerk", "approve")
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/result/evidence")
    await settle(everywhere, check, "clerk", "approve", result={"evidence": "已见医院原件"})
    closed = await approve_what_went_to_a_person(everywhere, number)
    assert closed["outcome"] == "approved"
    assert statuses(closed)["elderly.benefit_stop"] == "approved"


async def test_a_refuted_death_ends_what_hangs_on_it_and_nothing_else(everywhere: Platform) -> None:
    number, check = await contradicted(everywhere)
    await settle(everywhere, check, "clerk", "deny", reason_code="PERSON_ALIVE")
    seen = await when(
        everywhere, number, lambda a: {statuses(a)[m] for m in DEPENDANTS} == {"terminated"}, "the dependants to end"
    )
    assert {item_of(seen, m)["result"]["reason_code"] for m in DEPENDANTS} == {"FACT_REFUTED"}
    over = await approve_what_went_to_a_person(everywhere, number)
    ends = statuses(over)["funeral.cremation"], statuses(over)["funeral.fee_waiver"]
    if ends != (
        "approved",
        "approved",
    ):  # decided by rule before the contradiction was known: undone, and a person asked
        assert (ends[0], ends[1] in ("revoked", "terminated")) == ("revoked", True)
        assert await task(everywhere, "funeral", number, "supervisor", "cremated_person")
    assert over["outcome"] == ("partly_approved" if "approved" in ends else "denied")
    lines = (await everywhere.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    assert "fact_refuted" in {line["kind"] for line in lines}


async def test_a_silent_source_is_waited_for_by_name_and_its_later_answer_goes_on(moving: Platform) -> None:
    of = family(moving)
    await say(moving, "death", of.deceased, "silent")
    assert (await cremated(moving, report(of, "HH-S1"))).status_code == 201
    number = (await hand_in(moving, of))["application_no"]

    def waits(a):
        return all((item_of(a, m)["waiting_on"] or {}).get("kind") == "source" for m in DEPENDANTS)

    seen = await when(moving, number, waits, "to wait for the source")
    assert {statuses(seen)[m] for m in DEPENDANTS} == {"waiting"}
    await moving.post("/api/dev/clock", {"hours": 2})
    assert (await moving.application(number))["status"] != "closed"
    assert not await moving.tasks("intake", number, "clerk")
    await say(moving, "death", of.deceased, "confirmed", source_no="LATE-1")

    async def asked_again() -> bool:
        await moving.post("/api/dev/clock", {"minutes": 11})
        return (await moving.application(number))["status"] == "closed"

    await eventually(asked_again, f"{number} to close after the source was asked again", 60, pause=0.2)
    assert (await moving.application(number))["outcome"] == "approved"


async def test_a_death_of_which_the_source_tells_another_day_is_contradicted(everywhere: Platform) -> None:
    of = family(everywhere)
    data = {"name": of.deceased.name, "id_no": of.deceased.id_no, "died_on": "2026-01-01"}
    await say(everywhere, "death", of.deceased, "confirmed", data=data)
    number = (await hand_in(everywhere, of))["application_no"]
    assert await task(everywhere, "intake", number, "clerk", "fact_check")
