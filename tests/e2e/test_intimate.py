"""An intimate matter is shown inside its section alone, on every path; a matter is made intimate for the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from shared.handling.intimacy import NAME, RESTRICTED
from tests.e2e.acting import allowance, item_of, person, task
from tests.support.attack import call
from tests.support.database import eventually
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
MATTER = "elderly.age_allowance"
TELLING = (MATTER, "高龄津贴", "age_allowance")
INSIDE, OUTSIDE = ("elderly", "elderly approver"), ("window", "next window", "county", "city", "auditor")


@pytest_asyncio.fixture
async def secret(platform: Hosted, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """An application with one intimate matter, handed in by the clerk and under review in its section."""
    matters = platform.host.catalog.matters
    monkeypatch.setitem(matters, MATTER, replace(matters[MATTER], intimate=True))
    given = await platform.submit(allowance(person("钱私密")))
    review = await task(platform, "elderly", given["application_no"], "handler", "age_allowance_review")
    yield {**given, "task": review["id"]}


def tells(text: str) -> bool:
    return any(word in text for word in TELLING)


async def test_the_application_and_its_timeline_are_neutral_outside_the_section(platform: Hosted, secret: Any) -> None:
    path = f"/api/intake/applications/{secret['application_no']}"
    for who in INSIDE:
        seen = await call(platform, who, "GET", path)
        assert item_of(seen.json(), MATTER)["service"] == "elderly", who
        assert "高龄津贴" in (await call(platform, who, "GET", f"{path}/timeline")).text
    for who in OUTSIDE:
        for query in ("", "?unmasked=true", "?ground=inquiry"):
            seen = await call(platform, who, "GET", f"{path}{query}")
            assert seen.status_code == 200
            assert not tells(seen.text), (who, query)
            (item,) = seen.json()["items"]
            assert (item["matter"], item["stage_name"]) == (RESTRICTED, NAME[0])
            assert seen.json()["parties"] == {}
            assert seen.json()["materials"] == []
        lines = await call(platform, who, "GET", f"{path}/timeline")
        assert not tells(lines.text), who
        assert NAME[0] in lines.text


async def test_a_paper_that_tells_of_it_is_there_for_its_section_and_its_owner_alone(
    platform: Hosted, secret: Any
) -> None:
    path = f"/api/intake/applications/{secret['application_no']}"

    async def papers() -> list[dict[str, Any]]:
        return list((await call(platform, "elderly", "GET", path)).json()["papers"])

    await eventually(papers, "its receipt to be made")
    paper = (await papers())[0]
    for who in (*INSIDE, *OUTSIDE):
        seen = await call(platform, who, "GET", f"{path}/papers/{paper['id']}?unmasked=true")
        assert seen.status_code == (200 if who in INSIDE else 404), who
        listed = (await call(platform, who, "GET", path)).json()["papers"]
        assert bool(listed) is (who in INSIDE), who
    delivery = {"method": "in_person", "at": "2026-11-21T10:00:00+08:00", "receiver": "钱私密"}
    answer = await call(platform, "window", "POST", f"{path}/papers/{paper['id']}/deliveries", json=delivery)
    assert answer.status_code == 404


async def test_who_received_it_sees_it_on_that_day_and_the_unit_beside_never(platform: Hosted, secret: Any) -> None:
    path = f"/api/intake/applications/{secret['application_no']}"
    assert tells((await platform.get(path, "clerk")).text)
    assert not tells((await call(platform, "window", "GET", path)).text), "another person at the same window"


async def test_a_search_finds_it_without_saying_what_or_whose_it_is(platform: Hosted, secret: Any) -> None:
    for who, shown in (("elderly", True), ("window", False), ("county", False)):
        body = {"number": secret["application_no"]}
        answer = await call(platform, who, "POST", "/api/intake/applications/search", json=body)
        (row,) = answer.json()["items"]
        assert bool(row["parties"]) is shown, who
        assert row["bundle"] is None
        assert not tells(answer.text)


async def test_a_name_or_number_finds_nothing_outside_the_section(platform: Hosted, monkeypatch: Any) -> None:
    """Whoever asks for a person and is shown a restricted matter knows whose it is."""
    matters, whose = platform.host.catalog.matters, person("孙不可问")
    monkeypatch.setitem(matters, MATTER, replace(matters[MATTER], intimate=True))
    number = (await platform.submit(allowance(whose)))["application_no"]
    for body in ({"name": whose.name}, {"id_no": whose.id_no}, {"id_no": whose.id_no, "number": number}):
        for who, count in (("elderly", 1), ("window", 0), ("county", 0)):
            answer = await call(platform, who, "POST", "/api/intake/applications/search", json=body)
            assert len(answer.json()["items"]) == count, (who, body)


async def test_the_case_as_a_graph_is_neutral_outside_the_section(platform: Hosted, secret: Any) -> None:
    path = f"/api/coordinator/cases/{secret['case_id']}"
    assert tells((await call(platform, "elderly", "GET", path)).text)
    for who in ("window", "county", "auditor"):
        answer = await call(platform, who, "GET", path)
        assert answer.status_code == 200
        assert not tells(answer.text), who
        assert answer.json()["items"][0]["matter"] == RESTRICTED


async def test_its_tasks_are_listed_and_opened_inside_the_section_alone(platform: Hosted, secret: Any) -> None:
    for who in (*INSIDE, *OUTSIDE):
        listed = await call(platform, who, "GET", "/api/elderly/tasks?limit=200")
        there = secret["application_no"] in {row["application_no"] for row in listed.json()["items"]}
        opened = (await call(platform, who, "GET", f"/api/elderly/tasks/{secret['task']}")).status_code
        assert (there, opened) == ((True, 200) if who in INSIDE else (False, 404)), who
        if who in OUTSIDE:
            answer = await call(platform, who, "POST", f"/api/elderly/tasks/{secret['task']}/claim")
            assert answer.status_code in (403, 404)


async def test_what_a_clerk_does_to_it_is_answered_in_neutral_words(platform: Hosted, secret: Any) -> None:
    path = f"/api/intake/applications/{secret['application_no']}"
    for what, body in (("rating", {"grade": 5}), ("withdraw", {"reason": "改变主意"})):
        answer = await call(platform, "window", "POST", f"{path}/{what}", json=body)
        assert answer.status_code in (200, 202), answer.text
        assert not tells(answer.text), what


async def test_a_second_application_for_the_same_is_refused_without_naming_the_matter(
    platform: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    matters, body = platform.host.catalog.matters, allowance(person("钱再来"))
    monkeypatch.setitem(matters, MATTER, replace(matters[MATTER], intimate=True))
    await platform.submit(body)

    async def refused() -> Any:
        answer = await call(platform, "next window", "POST", "/api/intake/applications", json=body)
        return answer if answer.status_code == 409 else None

    answer: Any = await eventually(refused, "the second one to be refused")
    assert answer.json()["existing"][0]["matter"] == RESTRICTED
