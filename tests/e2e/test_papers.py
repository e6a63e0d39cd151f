"""Papers and their delivery, messages to applicants, as people meet them on a running platform."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from services.intake.store import issuing
from services.intake.store.issuing import issue
from shared.clock import new_id
from tests.e2e.acting import allowance, bereavement, ended, family, hand_in, person, relief, settle, task, when
from tests.faults.checks import missing_numbers
from tests.support.database import eventually
from tests.support.files import PDF_FILE
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e

STAFF_ELSEWHERE = ("clerk_other", "handler_other")


def path(number: str, paper: str, rest: str = "") -> str:
    return f"/api/intake/applications/{number}/papers/{paper}{rest}"


async def paper_of(platform: Hosted, number: str, kind: str) -> dict[str, Any]:
    """The paper of this kind, once it stands in its application."""
    found = await when(platform, number, lambda a: [p for p in a["papers"] if p["kind"] == kind], f"a {kind}")
    return next(p for p in found["papers"] if p["kind"] == kind)


async def paper(platform: Hosted, number: str, kind: str, account: str = "clerk", **params: Any) -> dict[str, Any]:
    short = await paper_of(platform, number, kind)
    answer = await platform.get(path(number, short["id"]), account, **params)
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def text(platform: Hosted, number: str, paper_id: str, account: str) -> str:
    async with platform.client(account) as client:
        answer = await client.get(path(number, paper_id), headers={"Accept": "text/plain"})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def rows(platform: Hosted, sql: str, *args: Any) -> list[Any]:
    async with platform.host.db.transaction(None) as conn:
        return list(await conn.fetch(sql, *args))


async def without_consent(platform: Hosted) -> tuple[str, str]:
    """A closed case whose applicant did not agree to electronic delivery: its number, the applicant's name."""
    of = family(platform)
    number = (await hand_in(platform, of, electronic_delivery=False))["application_no"]
    await ended(platform, number)
    return number, of.heir.name


def handed(platform: Hosted, receiver: str, method: str = "in_person", **more: Any) -> dict[str, Any]:
    return {"method": method, "at": platform.host.clock.now().isoformat(), "receiver": receiver, **more}


# --- from receiving to the decision -----------------------------------------------------------------------------------


async def test_the_bereavement_case_has_its_papers_through_to_the_decisions(platform: Hosted) -> None:
    of = family(platform)
    given = await platform.submit(bereavement(platform, of))
    number = given["application_no"]
    made = {p["kind"]: p["id"] for p in given["papers"]}
    assert set(made) == {"receipt", "commitment"}, "both are there as the application is received"
    slip = await text(platform, number, made["receipt"], "clerk")
    assert "周晓燕（收件）" in slip, "the clerk by name"
    promise = await text(platform, number, made["commitment"], "clerk")
    assert "东民诺〔2026〕" in promise
    assert f"承诺人：{of.heir.name}" in promise
    assert "东民收〔2026〕" in slip
    assert number in slip
    assert of.heir.name in slip, "the receiving clerk prints it whole"
    assert given["query_code"] not in slip
    await ended(platform, number)
    found = await when(platform, number, lambda a: len(a["papers"]) == 7, "its papers")
    kinds = sorted(p["kind"] for p in found["papers"])
    assert kinds == ["approval", "approval", "approval", "commitment", "not_applicable", "receipt", "stop"]
    stop = await paper(platform, number, "stop")
    assert stop["number"].startswith("东民停〔2026〕")
    assert stop["content"]["remedy"]["reconsideration"] == "武汉市东西湖区人民政府"
    assert stop["seal"]["provider"] == "simulator"
    assert stop["hash"]["algorithm"] == "SHA-256"
    assert [s["method"] for s in stop["signatures"]] == ["rule"]


async def test_news_to_one_who_agreed_delivers_the_papers_and_starts_the_terms(platform: Hosted) -> None:
    of = family(platform)
    number = (await hand_in(platform, of))["application_no"]
    await ended(platform, number)
    await when(platform, number, lambda a: all(p["delivered_at"] for p in a["papers"]), "every paper to be delivered")
    stop = await paper(platform, number, "stop")
    (delivery,) = stop["deliveries"]
    assert (delivery["method"], delivery["recorded_by"], delivery["receiver"]) == ("electronic", "system", None)
    assert stop["terms"]["from"] == platform.today.isoformat()
    said = (await platform.get("/api/dev/messages", about=number)).json()["items"]
    assert [m["way"] for m in said] == ["text"]
    assert said[0]["to"].startswith("138****")
    assert number not in said[0]["text"]
    lines = (await platform.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    told = [line for line in lines if line["kind"] == "message_sent"]
    assert [line["text_zh"] for line in told] == ["给申请人的短信通知已发出。"]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


async def test_a_person_s_denial_names_who_decided_and_the_remedy(platform: Hosted) -> None:
    who = person("高不准")
    number = (await platform.submit(allowance(who)))["application_no"]
    for kind, account in (("age_allowance_review", "handler"), ("age_allowance_approval", "approver")):
        at = await task(platform, "elderly", number, account, kind)
        await settle(platform, at, account, "deny", reason_code="NOT_LOCAL_HUKOU")
        found = await platform.application(number)
        if found["status"] == "closed":
            break
    await ended(platform, number)
    denial = await paper(platform, number, "denial")
    assert denial["content"]["remedy"] is not None
    assert [s["method"] for s in denial["signatures"]][-1] == "account"
    last = denial["signatures"][-1]
    assert (last["signer"], last["name"]) in {("handler", "陈志远"), ("approver", "黄玉梅")}


# --- who sees what ----------------------------------------------------------------------------------------------------


async def test_staff_see_it_masked_and_unmasking_is_a_reading(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    short = await paper_of(platform, number, "stop")
    looked = await platform.get(path(number, short["id"]), "handler")
    assert name not in looked.text
    assert looked.json()["masked"] is True
    count = "SELECT count(*) AS n FROM intake.audit WHERE action = 'reading' AND detail::text LIKE $1"
    before = (await rows(platform, count, f"%{short['id']}%"))[0]["n"]
    assert before == 0
    whole = await platform.get(path(number, short["id"]), "handler", unmasked=True)
    assert name in whole.text
    assert (await rows(platform, count, f"%{short['id']}%"))[0]["n"] == 1
    assert name in await text(platform, number, short["id"], "clerk")
    assert (await rows(platform, count, f"%{short['id']}%"))[0]["n"] == 2


async def test_the_owner_sees_it_whole_and_nothing_is_recorded(platform: Hosted) -> None:
    of = family(platform)
    body = bereavement(platform, of)
    body["applicant"] |= {"name": "李明", "id_no": "420112197003150014"}
    body["form"]["payee"]["holder"] = "李明"
    number = (await platform.submit(body))["application_no"]
    await ended(platform, number)
    stop = await paper(platform, number, "stop", "citizen")
    assert stop["masked"] is False
    assert "李明" in orjson.dumps(stop).decode()
    count = "SELECT count(*) AS n FROM intake.audit WHERE action = 'reading' AND detail::text LIKE $1"
    assert (await rows(platform, count, f"%{stop['id']}%"))[0]["n"] == 0


async def test_a_paper_is_not_there_for_others_nor_under_another_application(platform: Hosted) -> None:
    number, _ = await without_consent(platform)
    other, _ = await without_consent(platform)
    short = await paper_of(platform, number, "stop")
    for account in (*STAFF_ELSEWHERE, "citizen"):
        assert (await platform.get(path(number, short["id"]), account)).status_code == httpx.codes.NOT_FOUND
    assert (await platform.get(path(number, short["id"]), None)).status_code == httpx.codes.UNAUTHORIZED
    assert (await platform.get(path(other, short["id"]))).status_code == httpx.codes.NOT_FOUND
    for unknown in (f"{short['id']}.pdf", "1", "0190c0de-0000-7000-8000-000000000001"):
        assert (await platform.get(path(number, unknown))).status_code == httpx.codes.NOT_FOUND
    answer = await platform.post(path(other, short["id"], "/deliveries"), handed(platform, "李"))
    assert answer.status_code == httpx.codes.NOT_FOUND


async def test_a_unit_sees_the_papers_of_its_own_items_only(platform: Hosted) -> None:
    number, _ = await without_consent(platform)
    short = await paper_of(platform, number, "stop")
    assert (await platform.get(path(number, short["id"]), "registrar")).status_code == httpx.codes.NOT_FOUND
    listed = (await platform.application(number, "registrar"))["papers"]
    assert short["id"] not in {p["id"] for p in listed}
    assert "receipt" in {p["kind"] for p in listed}


async def test_content_and_receivers_rest_sealed(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    stop = await paper(platform, number, "stop")
    await platform.post(path(number, stop["id"], "/deliveries"), handed(platform, name))
    await paper_of(platform, number, "delivery")
    found = await rows(
        platform, "SELECT p::text AS t FROM intake.paper p UNION ALL SELECT d::text FROM intake.paper_delivery d"
    )
    assert found
    assert not [row for row in found if name in row["t"]]


# --- delivery ---------------------------------------------------------------------------------------------------------


async def test_a_village_worker_delivers_and_the_terms_run_from_it(platform: Hosted) -> None:
    of = family(platform)
    body = bereavement(platform, of, electronic_delivery=False) | {"accept_region": "420112001201"}
    number = (await platform.submit(body))["application_no"]
    await ended(platform, number)
    stop = await paper(platform, number, "stop")
    assert stop["terms"] is None
    given = handed(platform, of.heir.name, "village_worker")
    assert (await platform.post(path(number, stop["id"], "/deliveries"), given, "clerk")).status_code == 403
    answer = await platform.post(path(number, stop["id"], "/deliveries"), given, "village_worker")
    assert answer.status_code == httpx.codes.CREATED, answer.text
    done = answer.json()
    assert done["effective"] is True
    assert done["terms"]["from"] == platform.today.isoformat()
    assert of.heir.name not in answer.text
    proof = await paper(platform, number, "delivery")
    assert proof["number"].startswith("东民送〔2026〕")
    again = await platform.post(
        path(number, stop["id"], "/deliveries"), handed(platform, "妻子", receiver_relation="spouse"), "clerk"
    )
    assert (again.json()["effective"], len(again.json()["deliveries"])) == (False, 2)
    assert again.json()["delivered_at"] == done["delivered_at"]
    in_person = handed(platform, of.heir.name)
    assert (
        await platform.post(path(number, stop["id"], "/deliveries"), in_person, "village_worker")
    ).status_code == 403


async def test_what_is_no_delivery_is_refused_recorded_and_changes_nothing(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    stop = await paper(platform, number, "stop")
    url = path(number, stop["id"], "/deliveries")
    count = "SELECT count(*) AS n FROM intake.audit WHERE action = 'refused' AND detail::text LIKE $1"
    stranger = await platform.post(url, handed(platform, "路人甲"))
    assert (stranger.status_code, stranger.json()["code"]) == (422, "NOT_A_RECEIVER")
    assert "第八十八条" in stranger.json()["law"]
    agreed = await platform.post(url, handed(platform, name, "electronic"))
    assert (agreed.status_code, agreed.json()["code"]) == (422, "NO_CONSENT")
    assert (await rows(platform, count, f"%{stop['id']}%"))[0]["n"] == 2
    now = platform.host.clock.now()
    for at, code in ((now + timedelta(hours=1), "IN_FUTURE"), (now - timedelta(days=30), "BEFORE_ISSUE")):
        wrong = await platform.post(url, handed(platform, name) | {"at": at.isoformat()})
        assert [e["code"] for e in wrong.json()["errors"]] == [code]
    unknown = "0190c0de-0000-7000-8000-000000000001"
    wrong = await platform.post(url, handed(platform, name, proof_file_id=unknown))
    assert [e["code"] for e in wrong.json()["errors"]] == ["FILE_UNKNOWN"]
    assert (await platform.post(url, handed(platform, name), "handler")).status_code == httpx.codes.FORBIDDEN
    assert (await paper(platform, number, "stop"))["deliveries"] == []


async def test_of_two_deliveries_at_once_one_counts(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    stop = await paper(platform, number, "stop")
    url = path(number, stop["id"], "/deliveries")
    given = [handed(platform, name), handed(platform, "妻子", "post", receiver_relation="spouse")]
    answers = await asyncio.gather(*(platform.post(url, body) for body in given))
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers]
    assert sorted(a.json()["effective"] for a in answers) == [False, True]


async def test_the_same_key_is_the_same_delivery(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    stop = await paper(platform, number, "stop")
    body = handed(platform, name)
    first = await platform.post(path(number, stop["id"], "/deliveries"), body, key="once-and-again")
    second = await platform.post(path(number, stop["id"], "/deliveries"), body, key="once-and-again")
    assert first.json()["delivery_id"] == second.json()["delivery_id"]
    assert len(second.json()["deliveries"]) == 1


# --- numbers ----------------------------------------------------------------------------------------------------------


async def gaps(platform: Hosted) -> list[str]:
    async with platform.host.db.transaction(None) as conn:
        return await missing_numbers(conn)


async def test_numbers_have_no_gap_and_no_twin_whoever_issues(platform: Hosted) -> None:
    intake = platform.host.services["intake"]
    bodies = [bereavement(platform, family(platform)) for _ in range(12)]

    async def beside() -> None:
        for _ in range(40):
            await issue(intake)
            await asyncio.sleep(0.01)

    given, *_ = await asyncio.gather(
        asyncio.gather(*(platform.submit(body) for body in bodies)), *(beside() for _ in range(3))
    )
    for one in given:
        await ended(platform, one["application_no"])

    async def all_issued() -> bool:
        return not await rows(platform, "SELECT 1 FROM intake.paper WHERE number IS NULL")

    await eventually(all_issued, "every paper to be issued")
    assert await gaps(platform) == []


async def test_a_batch_that_fails_takes_no_number_with_it(platform: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is given in the commit that issues: who fails after taking it has taken nothing."""
    failed: list[int] = []
    write = issuing.write_rows

    async def fail(*args: Any, **more: Any) -> None:
        if len(failed) < 2:
            failed.append(1)
            raise ConnectionError("planted")
        await write(*args, **more)

    monkeypatch.setattr(issuing, "write_rows", fail)
    number = (await platform.submit(relief(person("严连号"), "300.00")))["application_no"]
    short = await paper_of(platform, number, "receipt")

    async def issued() -> bool:
        return (await platform.get(path(number, short["id"]))).status_code == httpx.codes.OK

    await eventually(issued, "the receipt to be issued")
    assert len(failed) == 2
    assert await gaps(platform) == []


# --- messages ---------------------------------------------------------------------------------------------------------


async def test_without_a_telephone_a_village_worker_is_sent(platform: Hosted) -> None:
    of = family(platform)
    body = bereavement(platform, of) | {"accept_region": "420112001201"}
    body["applicant"].pop("phone", None)
    number = (await platform.submit(body))["application_no"]
    await ended(platform, number)
    visit = await task(platform, "intake", number, "village_worker", "visit_applicant")
    await settle(platform, visit, "village_worker", "approve", comment="已上门告知")
    lines = (await platform.get(f"/api/intake/applications/{number}/timeline")).json()["items"]
    assert {"visit", "reached"} <= {line["kind"] for line in lines}
    assert (await platform.get("/api/dev/messages", about=number)).json()["items"] == []
    found = await platform.application(number)
    assert not [p for p in found["papers"] if p["delivered_at"]], "a visit delivers nothing by itself"


async def test_a_proof_of_delivery_belongs_to_the_case_from_then_on(platform: Hosted) -> None:
    number, name = await without_consent(platform)
    stop = await paper(platform, number, "stop")
    async with platform.client("clerk") as client:
        part = {"file": ("送达回证.pdf", PDF_FILE, "application/pdf")}
        uploaded = await client.post("/api/intake/files", files=part, headers={"Idempotency-Key": str(new_id())})
    file_id = uploaded.json()["file_id"]
    assert (await platform.get(f"/api/intake/files/{file_id}", "handler")).status_code == httpx.codes.NOT_FOUND
    url = path(number, stop["id"], "/deliveries")
    done = await platform.post(url, handed(platform, name, proof_file_id=file_id))
    assert done.status_code == httpx.codes.CREATED, done.text
    assert (await platform.get(f"/api/intake/files/{file_id}", "handler")).content == PDF_FILE
    other, heir = await without_consent(platform)
    stop = await paper(platform, other, "stop")
    url = path(other, stop["id"], "/deliveries")
    again = await platform.post(url, handed(platform, heir, proof_file_id=file_id))
    assert [e["code"] for e in again.json()["errors"]] == ["FILE_OF_ANOTHER"]
