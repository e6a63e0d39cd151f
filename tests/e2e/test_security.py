"""Nobody sees or changes what is not theirs: every read path and every act, by every role and place."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio

from shared.clock import new_id
from shared.db.engine import role_of
from shared.http.principal import Principal, RoleInUnit
from tests.e2e.acting import allowance, bereavement, cremated, ended, family, item_of, person, relief, report, task
from tests.support.attack import EVERYBODY, call
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
APPLICATIONS = "/api/intake/applications"
RECEIVING, ABOVE = {"window", "next window"}, {"county", "city", "auditor"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(platform: Hosted) -> dict[str, Any]:
    """One family's case that has ended, an allowance under review, relief under review, an allowance from a village."""
    of, old, poor = family(platform), person("钱高龄"), person("赵急难")
    raw = bereavement(platform, of)
    raw["applicant"] |= {"name": "李明", "id_no": "420112197003150014"}
    raw["form"]["payee"]["holder"] = "李明"
    closed = await ended(platform, (await platform.submit(raw))["application_no"])
    elderly, assistance = await platform.submit(allowance(old)), await platform.submit(relief(poor, "500.00"))
    far = await platform.submit({**allowance(person("孙村民")), "accept_region": "420112001201"}, "village_worker")
    await cremated(platform, report(family(platform), "HH-SEC-1"))
    return {
        "closed": closed,
        "elderly": elderly,
        "assistance": assistance,
        "village": far,
        "review": await task(platform, "elderly", elderly["application_no"], "handler", "age_allowance_review"),
        "relief": await task(platform, "assistance", assistance["application_no"], "handler", "temporary_review"),
        "secrets": [of.deceased.id_no, of.heir.id_no, old.id_no, poor.id_no, of.deceased.name, of.phone, of.account],
    }


def paths(world: dict[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """Each read path with those who may use it; everybody else is refused."""
    closed, sections = (
        world["closed"],
        {"elderly", "elderly approver", "assistance", "funeral", "marriage", "registrar"},
    )
    stop = item_of(closed, "elderly.benefit_stop")["id"]
    living = item_of(closed, "assistance.benefit_stop")["id"]
    note = item_of(closed, "marriage.record_annotation")["id"]
    whole = {*RECEIVING, *ABOVE, *sections}
    village = {*RECEIVING, *ABOVE, "town", "village", "elderly", "elderly approver"}
    relieved = {*RECEIVING, *ABOVE, "assistance"}
    old = {*RECEIVING, *ABOVE, "elderly", "elderly approver"}
    no = {name: world[name]["application_no"] for name in ("closed", "elderly", "assistance", "village")}
    ops = {"operator", "auditor", "county", "city", "other county"}
    return {
        "application": (f"{APPLICATIONS}/{no['closed']}", {*whole, "owner"}),
        "unmasked": (f"{APPLICATIONS}/{no['closed']}?unmasked=true", {*whole, "owner"}),
        "timeline": (f"{APPLICATIONS}/{no['closed']}/timeline", {*whole, "owner"}),
        "relief": (f"{APPLICATIONS}/{no['assistance']}", relieved),
        "village": (f"{APPLICATIONS}/{no['village']}", village),
        "case": (f"/api/coordinator/cases/{closed['case_id']}", whole),
        "relief case": (f"/api/coordinator/cases/{world['assistance']['case_id']}", relieved),
        "task": (f"/api/elderly/tasks/{world['review']['id']}", old),
        "relief task": (f"/api/assistance/tasks/{world['relief']['id']}", relieved),
        "stops": (f"/api/elderly/items/{stop}/effects", old - {"auditor"}),
        "assistance stops": (f"/api/assistance/items/{living}/effects", relieved - {"auditor"}),
        "annotation": (f"/api/marriage/annotations/{note}", {"registrar"}),
        "cremations": ("/api/funeral/cremations", {"funeral home", "other home"}),
        "parked": ("/api/ops/intake/parked", ops),
        "dead": ("/api/ops/intake/dead", ops),
        "stuck": ("/api/ops/intake/stuck", ops),
        "resets": ("/api/ops/intake/positions/resets", ops),
        "lag": ("/api/ops/intake/lag", ops),
        "units": ("/api/access/units", set(EVERYBODY)),
        "me": ("/api/auth/me", set(EVERYBODY)),
    }


PATHS = (
    *("application", "unmasked", "timeline", "relief", "village", "case", "relief case", "task", "relief task"),
    *("stops", "assistance stops", "annotation", "cremations", "parked", "lag", "units", "me"),
    *("dead", "stuck", "resets"),
)


@pytest.mark.parametrize("name", PATHS)
async def test_a_read_path_is_open_to_those_concerned_and_closed_to_everybody_else(platform, world, name) -> None:
    path, allowed = paths(world)[name]
    assert (await call(platform, None, "GET", path)).status_code == 401
    opened = set()
    for who in EVERYBODY:
        answer = await call(platform, who, "GET", path)
        assert answer.status_code in (200, 403, 404), (who, answer.text)
        opened |= {who} if answer.status_code == 200 else set()
        masked = name != "unmasked" and who != "owner"
        said = [s for s in [*world["secrets"], "p1_", "b1_"] if s in answer.text]
        assert not (said and (masked or answer.status_code != 200)), (who, said)
    assert opened == allowed


async def shown_to(platform: Hosted, who: str, what: str, number: str) -> bool:
    if what == "search":
        answer = await call(platform, who, "POST", f"{APPLICATIONS}/search", json={"number": number})
    else:
        answer = await call(platform, who, "GET", f"/api/{what}/tasks", params={"limit": 200})
    assert answer.status_code in (200, 403), answer.text
    return answer.status_code == 200 and number in {row["application_no"] for row in answer.json()["items"]}


@pytest.mark.parametrize(
    ("what", "of", "allowed"),
    [
        ("search", "assistance", {*RECEIVING, *ABOVE, "assistance"}),
        ("search", "village", {*RECEIVING, *ABOVE, "town", "village", "elderly", "elderly approver"}),
        ("elderly", "elderly", {*RECEIVING, *ABOVE, "elderly", "elderly approver"}),
        ("assistance", "assistance", {*RECEIVING, *ABOVE, "assistance"}),
        ("funeral", "closed", set()),
    ],
)
async def test_a_list_shows_what_its_reader_could_open(platform, world, what, of, allowed) -> None:
    number = world[of]["application_no"]
    assert {who for who in EVERYBODY if await shown_to(platform, who, what, number)} == allowed


async def test_a_home_lists_its_own_cremations_alone(platform, world) -> None:
    lists = [
        (await call(platform, who, "GET", "/api/funeral/cremations")).json() for who in ("funeral home", "other home")
    ]
    assert lists[0]["items"]
    assert lists[1]["items"] == []


def operations(platform: Hosted) -> list[tuple[str, str]]:
    found = [(m.upper(), p) for p, item in platform.app.openapi()["paths"].items() for m in item]
    return [(method, re.sub(r"\{\w+\}", str(UUID(int=7)), path)) for method, path in found]


OPEN = ("/api/auth/token", "/api/auth/jwks", "/api/catalogue", "/api/intake/progress", "/healthz", "/readyz")
FOR_ALL = ("/api/auth/me", "/api/access/units")
FOR_SOURCES = "/objections"
"""The department whose records established a fact may object to it."""


async def test_every_route_asks_for_a_token_and_a_department_is_given_none_of_them(platform: Hosted) -> None:
    for method, path in operations(platform):
        if path.startswith(OPEN):
            continue
        assert (await call(platform, None, method, path, content=b"{")).status_code == 401, path
        if method == "GET" and path in FOR_ALL:
            continue
        for who in ("department psb", Principal("x", "x", "staff", ())):
            if who == "department psb" and method == "POST" and path.endswith(FOR_SOURCES):
                continue
            assert (await call(platform, who, method, path, content=b"{")).status_code == 403, path


@pytest.mark.parametrize(
    "query", ["unmasked=true", "role=clerk&unit=420112", "account=clerk", "min_version=0&as=clerk"]
)
async def test_nothing_in_a_query_raises_a_role(platform, world, query) -> None:
    number = world["closed"]["application_no"]
    assert (await call(platform, "other window", "GET", f"{APPLICATIONS}/{number}?{query}")).status_code == 404


async def test_the_personal_side_of_another_sections_result_stays_with_it(platform, world) -> None:
    path = f"{APPLICATIONS}/{world['closed']['application_no']}"
    for who, shown in (("elderly", True), ("registrar", False), ("window", True)):
        result = item_of((await call(platform, who, "GET", path)).json(), "elderly.benefit_stop")["result"]
        assert ("payee" in result) is shown, who


async def test_a_reading_says_who_saw_what_of_whom_and_is_there_for_good(platform, world) -> None:
    reader = Principal("reader-7", "读者", "staff", (RoleInUnit("clerk", "420112-HALL-W01", "420112"),))
    case = world["closed"]["case_id"]
    await call(platform, reader, "GET", f"{APPLICATIONS}/{world['closed']['application_no']}?unmasked=true")
    sql = "SELECT action, aggregate_id, detail::text AS detail FROM intake.audit WHERE actor = 'reader-7' AND action = 'reading'"
    async with platform.host.db.transaction(role_of("intake"), read_only=True) as conn:
        (row,) = await conn.fetch(sql)
    detail = orjson.loads(row["detail"])
    assert row["aggregate_id"] == case
    assert "parties" in detail["fields"]
    assert detail["ground"]
    assert all(ref.startswith("p1_") for ref in detail["whose"])


# --- what is another's ------------------------------------------------------------------------------------------------


async def test_a_key_of_somebody_else_is_a_key_of_nobody(platform: Hosted) -> None:
    key = {"Idempotency-Key": str(new_id())}
    first = await call(platform, "window", "POST", APPLICATIONS, json=allowance(person("甲")), headers=key)
    other = await call(platform, "next window", "POST", APPLICATIONS, json=allowance(person("乙")), headers=key)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["application_no"] != other.json()["application_no"]


async def test_a_draft_of_somebody_else_is_not_there(platform: Hosted) -> None:
    path = f"/api/intake/drafts/{new_id()}"
    body = {"draft_id": path.rsplit("/", 1)[1]}
    assert (await call(platform, "owner", "PUT", path, json=allowance(person("丙")))).status_code == 200
    for who in ("window", "stranger", "village"):
        assert (await call(platform, who, "GET", path)).status_code == 404
        assert (await call(platform, who, "PUT", path, json={})).status_code == 404
        assert (await call(platform, who, "POST", APPLICATIONS, json=body)).status_code == 404


@pytest.mark.parametrize("act", ["supplement", "withdraw", "rating"])
async def test_only_owner_and_window_change_an_application(platform, world, act) -> None:
    path = f"{APPLICATIONS}/{world['closed']['application_no']}/{act}"
    body = {"supplement": {"round": 1}, "withdraw": {"reason": "x"}, "rating": {"grade": 1}}[act]
    for who in set(EVERYBODY) - RECEIVING - {"owner"}:
        assert (await call(platform, who, "POST", path, json=body)).status_code in (403, 404), who


async def test_a_citizen_says_of_their_own_application_only_what_is_theirs_to_say(platform: Hosted) -> None:
    mine = {**allowance(person("丁")), "channel": "online"}
    mine["applicant"] |= {"id_no": "420112197003150014", "name": "李明"}
    seen = {"type": "id_card", "source": "paper", "original_seen": True}
    for who, changed, pointer in (
        ("stranger", {}, "/applicant/id_no"),
        ("nobody known", {}, "/applicant/id_no"),
        ("owner", {"received_at": "2026-09-01T09:00:00+08:00", "received_reason": "补"}, "/received_at"),
        ("owner", {"materials": [seen]}, "/materials/0/original_seen"),
        ("owner", {"status": "closed", "owner": "x"}, "/status"),
    ):
        refused = await call(platform, who, "POST", APPLICATIONS, json={**mine, **changed})
        assert refused.status_code == 422, refused.text
        assert pointer in {e["pointer"] for e in refused.json()["errors"]}


async def test_the_query_code_is_not_to_be_guessed_and_opens_no_name(platform, world) -> None:
    given = await platform.submit({**allowance(person("欧阳长寿")), "channel": "paper"})
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{10}", given["query_code"])
    path = f"/api/intake/progress/{given['application_no']}"
    shown = await call(platform, None, "GET", path, params={"code": given["query_code"]})
    assert shown.status_code == 200
    assert not [s for s in ("欧阳", "长寿", "p1_", given["case_id"]) if s in shown.text]
    wrong = [await call(platform, None, "GET", p, params={"code": "AAAAAAAAAA"}) for p in (path, f"{path[:-1]}Y")]
    assert [(w.status_code, w.json()) for w in wrong] == [(404, wrong[0].json())] * 2
    tries = [
        await call(
            platform, None, "GET", path, params={"code": f"B{n:09d}"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
        )
        for n in range(25)
    ]
    assert tries[-1].status_code == 429
    assert int(tries[-1].headers["retry-after"]) >= 1


# --- tasks ------------------------------------------------------------------------------------------------------------


async def test_a_task_is_taken_by_its_own_role_in_its_own_section_alone(platform, world) -> None:
    for who in set(EVERYBODY) - {"elderly"}:
        for act, body in (
            ("claim", {}),
            ("release", {}),
            ("decision", {"lease": str(UUID(int=1)), "outcome": "approve"}),
        ):
            path = f"/api/elderly/tasks/{world['review']['id']}/{act}"
            answer = await call(platform, who, "POST", path, json=body)
            held = act == "release" and answer.json().get("code") == "LEASE_LOST"
            assert answer.status_code in (403, 404) or held, (who, act, answer.text)


def with_roles(account: str, *roles: str) -> Principal:
    return Principal(account, account, "staff", tuple(RoleInUnit(r, "420112-ELDERLY", "420112") for r in roles))


async def test_a_lease_is_of_no_use_to_another_nor_without_the_role_nor_for_both_steps(platform: Hosted) -> None:
    given = await platform.submit(allowance(person("戊")))
    review = await task(platform, "elderly", given["application_no"], "handler", "age_allowance_review")
    path, both = f"/api/elderly/tasks/{review['id']}", with_roles("both", "handler", "approver")
    lease = (await call(platform, both, "POST", f"{path}/claim", json={})).json()["lease"]
    decision = {"lease": lease, "outcome": "approve"}
    stolen = await call(platform, "elderly", "POST", f"{path}/decision", json=decision)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "LEASE_LOST")
    lost = await call(platform, with_roles("both", "approver"), "POST", f"{path}/decision", json=decision)
    assert (lost.status_code, lost.json()["code"]) == (403, "ROLE_NEEDED")
    assert (await call(platform, both, "POST", f"{path}/decision", json=decision)).status_code == 200
    approval = await task(platform, "elderly", given["application_no"], "approver", "age_allowance_approval")
    for who in (both, with_roles("clerk", "approver")):
        refused = await call(platform, who, "POST", f"/api/elderly/tasks/{approval['id']}/claim", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "FOUR_EYES"), "who received it is barred too"
