"""Tolerance (容缺) and commitment (告知承诺) as a person meets them, under a clock that the test moves.

elderly_onewindow 3.4 (容缺只限次要材料,到期不补不发证), 国发〔2022〕5号; 国办发〔2020〕42号, 民发〔2022〕83号 (虚假承诺).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import pytest_asyncio

from shared.handling.limits import working_calendar
from tests.e2e.acting import (
    allowance,
    bereavement,
    ended,
    events,
    family,
    item_of,
    person,
    published,
    say,
    settle,
    task,
    when,
)
from tests.support.database import Server, eventually
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
ELDERLY = "onewindow.elderly.events"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def moving(server: Server):
    """A platform of its own: weeks pass on it."""
    async with run_platform(await server.new_platform_database()) as made:
        yield made


def after(day: date, working_days: int) -> date:
    return working_calendar().due(day, working_days, "working").date


async def pass_to(platform: Hosted, day: date) -> None:
    answer = await platform.post("/api/dev/clock", {"to": f"{day}T09:00:00+08:00"})
    assert answer.status_code == 200, answer.text


async def promised(platform: Hosted, who, days: int = 10):
    """An allowance asked for, its bank card to follow within so many working days."""
    await say(platform, "household", who, "confirmed", data={"hukou_region": "420112"})
    await say(platform, "life_check", who, "confirmed", data={"alive": True})
    promise = after(platform.today, days)
    deferred = {"type": "bank_account", "source": "deferred", "promise_by": promise.isoformat()}
    return {**allowance(who), "materials": [deferred]}, promise


async def granted(platform: Hosted, number: str) -> None:
    """Reviewed and approved by two people."""
    await settle(
        platform, await task(platform, "elderly", number, "handler", "age_allowance_review"), "handler", "approve"
    )
    approval = await task(platform, "elderly", number, "approver", "age_allowance_approval")
    await settle(platform, approval, "approver", "approve")


async def supplemented(platform: Hosted, number: str, **material):
    given = {"type": "bank_account", "source": "paper", "form": "copy", "copies": 1, **material}
    return await platform.post(f"/api/intake/applications/{number}/supplement", {"round": 1, "materials": [given]})


def held(application) -> bool:
    waits = item_of(application, "elderly.age_allowance")["waiting_on"]
    return waits is not None and waits["name"] == "deferred_material"


async def test_a_main_material_cannot_follow_and_a_secondary_one_only_within_its_days(moving: Hosted):
    raw, promise = await promised(moving, person("容缺晚", date(1944, 2, 1)), days=11)
    late = await moving.post("/api/intake/applications", raw)
    (error,) = late.json()["errors"]
    assert (late.status_code, error["pointer"], error["code"]) == (422, "/materials/0/promise_by", "PROMISE_TOO_LATE")
    assert str(after(moving.today, 10)) in error["message"]
    assert "国发〔2022〕5号" in error["message"]
    main = bereavement(moving, family(moving))
    main["materials"][-1] = {"type": "kinship_proof", "source": "deferred", "promise_by": promise.isoformat()}
    refused = (await moving.post("/api/intake/applications", main)).json()["errors"]
    assert [(e["pointer"], e["code"]) for e in refused] == [("/materials/2/source", "NOT_SECONDARY")]


async def test_a_grant_is_held_until_what_was_promised_has_come(moving: Hosted):
    raw, promise = await promised(moving, person("容缺补", date(1944, 2, 2)))
    given = await moving.submit(raw)
    number = given["application_no"]
    assert given["tolerances"] == [{"material": "bank_account", "promise_by": str(promise), "state": "open"}]
    lines = (await moving.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    assert any(line["kind"] == "deferred" and str(promise) in line["text_zh"] for line in lines), "told in writing"
    await granted(moving, number)
    waiting = await when(moving, number, held, "to be held for its material")
    item = item_of(waiting, "elderly.age_allowance")
    assert (waiting["status"], item["status"], item["result"]) == ("correcting", "correcting", None)
    assert (item["waiting_on"]["kind"], item["waiting_on"]["until"]) == ("applicant", str(promise))
    assert await events(moving, ELDERLY, "AllowanceGranted", given["case_id"]) == [], "nothing is paid before"
    for service in ("elderly", "coordinator", "intake"):
        handle = moving.host.services[service]
        assert handle.spec.stuck is not None
        async with handle.read() as conn:
            hanging = await handle.spec.stuck(handle, conn)
        assert number not in {one.application_no for one in hanging}, "it waits for the applicant, and is not stuck"
    assert (await supplemented(moving, number)).json()["tolerances"][0]["state"] == "cured"
    done = await ended(moving, number)
    assert {"tolerance", "supplied"} <= {p["kind"] for p in done["papers"]}
    assert done["outcome"] == "approved"
    assert await published(moving, ELDERLY, "AllowanceGranted", given["case_id"])
    (paper,) = [m for m in done["materials"] if m["type"] == "bank_account"]
    assert paper["source"] == "paper"
    back = await moving.post(f"/api/intake/applications/{number}/materials/bank_account/returned", {})
    assert back.json()["materials"][-1]["returned_by"] == "clerk"
    again = await moving.post(f"/api/intake/applications/{number}/materials/bank_account/returned", {})
    assert (again.status_code, again.json()["code"]) == (409, "NOT_HELD")


async def test_what_comes_before_the_decision_holds_nothing(moving: Hosted):
    raw, _ = await promised(moving, person("容缺早", date(1944, 2, 3)))
    number = (await moving.submit(raw))["application_no"]
    assert (await supplemented(moving, number)).status_code == 200
    await granted(moving, number)
    assert (await ended(moving, number))["outcome"] == "approved"


async def test_overdue_a_task_is_opened_and_nothing_granted_until_it_comes_after_all(moving: Hosted):
    raw, promise = await promised(moving, person("容缺逾", date(1944, 2, 4)))
    given = await moving.submit(raw)
    number = given["application_no"]
    await granted(moving, number)
    await when(moving, number, held, "to be held for its material")
    await pass_to(moving, promise)
    assert (await moving.application(number))["tolerances"][0]["state"] == "open", "the last day counts whole"
    await pass_to(moving, promise + timedelta(days=1))
    overdue = await task(moving, "intake", number, "clerk", "tolerance_overdue")
    assert overdue["data"] == {"materials": ["bank_account"]}
    looked = await moving.application(number)
    assert looked["tolerances"][0]["state"] == "overdue"
    assert held(looked)
    assert await events(moving, ELDERLY, "AllowanceGranted", given["case_id"]) == []
    await supplemented(moving, number)
    assert (await ended(moving, number))["outcome"] == "approved"
    assert [t["id"] for t in await moving.tasks("intake", number, "clerk")] == [], "its task has nothing left to do"


async def test_overdue_a_person_may_end_what_lacks_its_material(moving: Hosted):
    raw, promise = await promised(moving, person("容缺止", date(1944, 2, 5)))
    given = await moving.submit(raw)
    number = given["application_no"]
    await granted(moving, number)
    await when(moving, number, held, "to be held for its material")
    await pass_to(moving, promise + timedelta(days=1))
    overdue = await task(moving, "intake", number, "clerk", "tolerance_overdue")
    await settle(moving, overdue, "clerk", "deny", reason_code="NOT_SUPPLIED")
    done = await ended(moving, number)
    assert (done["status"], item_of(done, "elderly.age_allowance")["result"]["reason_code"]) == (
        "terminated",
        "TOLERANCE_LAPSED",
    )
    assert await events(moving, ELDERLY, "AllowanceGranted", given["case_id"]) == []


# --- commitments ------------------------------------------------------------------------------------------------------


async def committed(platform: Hosted, name: str):
    """A family's application on a commitment, closed; its heir is nobody else's in this run."""
    of = family(platform)
    of = replace(of, heir=person(name, date(1970, 3, 15)))
    given = await platform.submit(bereavement(platform, of))
    return of, await platform.closed(given["application_no"])


async def due(platform: Hosted, application) -> dict:
    """The task of checking the commitment, once its day has come."""
    (made,) = application["commitments"]
    assert made["state"] == "open"
    assert made["verify_due"] == str(after(platform.today, 20))
    await pass_to(platform, date.fromisoformat(made["verify_due"]) + timedelta(days=1))
    return await task(platform, "intake", application["application_no"], "clerk", "verify_commitment")


async def test_an_honest_commitment_is_checked_on_its_day_and_stands(moving: Hosted):
    _, closed = await committed(moving, "诚实人")
    (made,) = closed["commitments"]
    assert (made["material"], made["version"], made["method"]) == ("kinship_proof", "2026-1", "written")
    told, signed, received = (
        datetime.fromisoformat(x) for x in (made["informed_at"], made["signed_at"], closed["received_at"])
    )
    assert told <= signed <= received
    await settle(moving, await due(moving, closed), "clerk", "approve")
    after_all = await moving.application(closed["application_no"])
    assert after_all["commitments"][0]["state"] == "true"
    assert after_all["outcome"] == "approved"


async def test_what_is_not_clear_is_looked_into_again(moving: Hosted):
    _, closed = await committed(moving, "查不清")
    await settle(moving, await due(moving, closed), "clerk", "send_back")
    again = await moving.application(closed["application_no"])
    assert again["commitments"][0]["verify_due"] == str(after(moving.today, 20))
    await settle(moving, await due(moving, again), "clerk", "approve")
    assert (await moving.application(closed["application_no"]))["commitments"][0]["state"] == "true"


async def undone(platform: Hosted, number: str) -> dict:
    """The application once what rested on the commitment is revoked; what no rule can undo a person does."""

    async def look() -> bool:
        for service in ("funeral", "elderly", "assistance"):
            for open_one in await platform.tasks(service, number, "handler"):
                if open_one["kind"] == "reversal":
                    await settle(platform, open_one, "handler", "approve")
        seen = await platform.application(number)
        return item_of(seen, "funeral.fee_waiver")["status"] == "revoked"

    await eventually(look, "the waiver to be revoked", 60)
    return await platform.application(number)


async def test_a_false_commitment_revokes_what_was_granted_on_it_and_bars_its_signer(moving: Hosted):
    of, closed = await committed(moving, "不实人")
    number = closed["application_no"]
    check = await due(moving, closed)
    bare = await moving.post(f"/api/intake/tasks/{check['id']}/claim", {})
    said = {"lease": bare.json()["lease"], "outcome": "deny"}
    refused = await moving.post(f"/api/intake/tasks/{check['id']}/decision", said)
    assert refused.json()["errors"][0]["pointer"] == "/result/evidence", "false only with evidence"
    proof = {"result": {"evidence": "公安核查:无亲属关系"}}
    assert (await moving.post(f"/api/intake/tasks/{check['id']}/decision", {**said, **proof})).status_code == 200
    seen = await undone(moving, number)
    waiver = item_of(seen, "funeral.fee_waiver")
    assert waiver["result"]["reason_code"] == "FALSE_COMMITMENT"
    assert "国办发〔2020〕42号" in waiver["result"]["law"]
    assert item_of(seen, "funeral.cremation")["status"] == "approved", "what did not rest on it stands"
    assert item_of(seen, "elderly.benefit_stop")["status"] == "approved", "the dead are dead, whoever the heir is"
    assert seen["commitments"][0]["state"] == "false"
    rest = await task(moving, "intake", number, "supervisor", "false_commitment")
    assert set(rest["data"]["matters"]) <= {"elderly.benefit_stop", "assistance.benefit_stop"}
    await settle(moving, rest, "supervisor", "approve", reason_code="RECOVERED")

    async def barred() -> bool:
        answer = await moving.post(
            "/api/intake/applications", bereavement(moving, replace(family(moving), heir=of.heir))
        )
        return {e["code"] for e in answer.json().get("errors", [])} == {"COMMITMENT_BARRED"}

    await eventually(barred, "the signer to be barred, which is looked up every few seconds")
    again = bereavement(moving, replace(family(moving), heir=of.heir))
    brought = {**again, "materials": [*again["materials"][:-1], {"type": "kinship_proof", "source": "paper"}]}
    assert (await moving.post("/api/intake/applications", brought)).status_code == 201, "with the paper they may"
    path = f"/api/intake/applications/{number}/commitments/repaired"
    assert (await moving.post(path, {}, "clerk")).status_code == 403
    assert (await moving.post(path, {}, "supervisor")).json()["commitments"][0]["state"] == "repaired"

    async def free() -> bool:
        third = bereavement(moving, replace(family(moving), heir=of.heir))
        return (await moving.post("/api/intake/applications", third)).status_code == 201

    await eventually(free, "the signer to commit again")


async def test_a_commitment_stands_only_where_it_may_and_on_the_text_in_force(moving: Hosted):
    raw = bereavement(moving, family(moving))

    async def codes(material):
        answer = await moving.post("/api/intake/applications", {**raw, "materials": [*raw["materials"][:-1], material]})
        assert answer.status_code == 422, answer.text
        return {(e["pointer"], e["code"]) for e in answer.json()["errors"]}

    proof = {"type": "kinship_proof", "source": "commitment"}
    now = f"{moving.today}T00:00:00+08:00"
    old = {"version": "2019-1", "informed_at": now, "signed_at": now}
    assert await codes({**proof, "commitment": old}) == {("/materials/2/commitment/version", "COMMITMENT_TEXT_OLD")}
    turned = {"version": "2026-1", "informed_at": now, "signed_at": "2020-11-01T00:00:00+08:00"}
    assert await codes({**proof, "commitment": turned}) == {("/materials/2/commitment/signed_at", "COMMITMENT_TIMES")}
    assert await codes({"type": "invoice", "source": "commitment"}) == {
        ("/materials/2/source", "COMMITMENT_NOT_ALLOWED")
    }
    assert await codes({"type": "id_card", "source": "commitment"}) == {
        ("/materials/2/source", "COMMITMENT_NOT_ALLOWED")
    }


async def test_the_receipt_says_in_writing_what_is_missing_by_when_and_what_was_committed_to(moving: Hosted):
    async def receipt(number: str) -> str:
        found: list = []

        async def issued() -> bool:
            papers = (await moving.application(number))["papers"]
            found[:] = [p for p in papers if p["kind"] == "receipt" and p["issued_at"]]
            return bool(found)

        await eventually(issued, f"the receipt of {number}")
        (paper,) = found
        shown = (await moving.get(f"/api/intake/applications/{number}/papers/{paper['id']}")).json()
        return str(shown["content"]["parts"])

    raw, promise = await promised(moving, person("容缺文", date(1944, 2, 6)))
    told = await receipt((await moving.submit(raw))["application_no"])
    assert f"银行账户（{promise.year}年{promise.month}月{promise.day}日前（含当日）补齐）" in told
    assert "到期不补不发证" in told
    told = await receipt((await moving.submit(bereavement(moving, family(moving))))["application_no"])
    assert "亲属关系证明；办结后核查，承诺不实的撤销决定" in told


async def test_the_offices_clocks_are_still_while_the_applicant_owes_a_material(moving: Hosted):
    """Whoever decided in time is not told of a broken promise: the lamp is grey until the material has come."""
    raw, _ = await promised(moving, person("容缺钟", date(1944, 2, 7)))
    number = (await moving.submit(raw))["application_no"]
    await granted(moving, number)
    seen = await when(moving, number, held, "to be held for its material")
    item = item_of(seen, "elderly.age_allowance")
    assert item["lamp"] == "grey"
    await pass_to(moving, date.fromisoformat(item["due"]["promised"]) + timedelta(days=1))
    assert await moving.tasks("coordinator", number, "supervisor") == []
    assert item_of(await moving.application(number), "elderly.age_allowance")["lamp"] == "grey"
    await supplemented(moving, number)
    assert (await ended(moving, number))["outcome"] == "approved"
