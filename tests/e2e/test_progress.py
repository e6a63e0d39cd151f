"""Progress for whoever holds the query code, versions, search, the words of the timeline."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.acting import allowance, bereavement, ended, family, hand_in, person, say, task, when
from tests.support.platform import Hosted, Platform

pytestmark = pytest.mark.e2e


async def test_the_query_code_shows_status_and_words_and_nobody(everywhere: Platform) -> None:
    of = family(everywhere, "夏侯不露")
    given = await hand_in(everywhere, of)
    await ended(everywhere, given["application_no"])
    path = f"/api/intake/progress/{given['application_no']}"
    shown = await everywhere.get(path, None, code=f" {given['query_code'].lower()} ")
    assert shown.status_code == 200
    page = shown.json()
    assert (page["status_name"], page["outcome"]) == ("已办结", "approved")
    own = [line["kind"] for line in page["timeline"] if not line["kind"].startswith("message_")]
    assert own[-1] == "closed"
    for said in (of.deceased.name, of.heir.name, of.deceased.id_no, of.phone, of.account, of.spouse.name):
        assert said not in shown.text
    for number, code in ((given["application_no"], "AAAAAAAAAA"), ("42011220261121010009991", given["query_code"])):
        wrong = await everywhere.get(f"/api/intake/progress/{number}", None, code=code)
        assert (wrong.status_code, wrong.json()["code"]) == (404, "NOT_FOUND")
    assert (await everywhere.get(path, None)).status_code == 422


async def test_guessing_at_a_query_code_is_slowed(platform: Hosted) -> None:
    number = (await platform.submit(allowance(person("韩限速"))))["application_no"]
    path, answers = f"/api/intake/progress/{number}", list[httpx.Response]()
    while len(answers) < 60 and (not answers or answers[-1].status_code == 404):  # a slow machine makes room in between
        answers.append(await platform.get(path, None, code=f"GUESS{len(answers):05d}"))
    assert (answers[-1].status_code, len(answers) > 20) == (429, True)
    assert int(answers[-1].headers["Retry-After"]) >= 1


async def test_a_reader_may_wait_for_its_own_write(everywhere: Platform) -> None:
    number = (await hand_in(everywhere, family(everywhere)))["application_no"]
    await ended(everywhere, number)
    rated = await everywhere.post(f"/api/intake/applications/{number}/rating", {"grade": 4})
    version = rated.json()["version"]
    path = f"/api/intake/applications/{number}"
    assert (await everywhere.get(path, min_version=version)).json()["version"] >= version
    never = await everywhere.get(path, min_version=version + 1000)
    assert never.status_code == 503
    assert never.headers["Retry-After"]


async def test_names_and_numbers_are_found_whole_and_in_own_units_only(everywhere: Platform) -> None:
    of = family(everywhere, "上官可寻")
    number = (await hand_in(everywhere, of))["application_no"]
    path = "/api/intake/applications/search"
    for body in ({"name": "上官可寻"}, {"id_no": of.deceased.id_no}, {"id_no": of.heir.id_no}, {"number": number}):
        for account, found in (("clerk", [number]), ("handler", [number]), ("clerk_other", []), ("handler_other", [])):
            answer = await everywhere.post(path, body, account)
            assert [a["application_no"] for a in answer.json()["items"]] == found, (body.keys(), account)
            assert "上官可寻" not in answer.text
            assert of.deceased.id_no not in answer.text
    assert (await everywhere.post(path, {"name": "上官"})).json()["items"] == []
    assert (await everywhere.post(path, {"name": "上官可寻"}, "citizen")).status_code == 403


async def test_the_timeline_tells_in_both_languages_what_happened_and_in_order(everywhere: Platform) -> None:
    of = family(everywhere)
    await say(everywhere, "death", of.deceased, "contradicted")
    number = (await hand_in(everywhere, of))["application_no"]
    await task(everywhere, "intake", number, "clerk", "fact_check")

    async def lines():
        return (await everywhere.get(f"/api/intake/applications/{number}/timeline")).json()["items"]

    await when(everywhere, number, lambda a: a["status"] != "submitted", "to go on")
    told = await lines()
    assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
    assert "fact_contradicted" in {line["kind"] for line in told}
    assert all(line["text_zh"].endswith("。") and line["text_en"].endswith(".") for line in told)
    assert not any(of.deceased.name in line["text_zh"] or of.heir.name in line["text_zh"] for line in told)


async def test_a_citizen_follows_their_own_application_and_sees_no_other(everywhere: Platform) -> None:
    raw = {**bereavement(everywhere, family(everywhere)), "channel": "online"}
    mine = {**raw["applicant"], "name": "李明", "id_no": "420112197003150014"}
    raw["form"]["payee"]["holder"] = "李明"
    number = (await everywhere.submit({**raw, "applicant": mine}, "citizen"))["application_no"]
    other = (await hand_in(everywhere, family(everywhere)))["application_no"]
    assert (await everywhere.application(number, "citizen"))["parties"]["applicant"]["name"] == "李明"
    for path in (f"/api/intake/applications/{other}", f"/api/intake/applications/{other}/timeline"):
        assert (await everywhere.get(path, "citizen")).status_code == 404
    rate = await everywhere.post(f"/api/intake/applications/{other}/rating", {"grade": 1}, "citizen")
    assert rate.status_code == 404
