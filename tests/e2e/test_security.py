"""Nobody changes what is not theirs, and no detour leads to what others may read (`test_access_matrix.py`)."""

from __future__ import annotations

import re
from uuid import UUID

import orjson
import pytest

from shared.clock import new_id
from shared.db.engine import role_of
from shared.http.principal import Principal, RoleInUnit
from tests.e2e.acting import allowance, item_of, person, task
from tests.support.attack import EVERYBODY, call
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
APPLICATIONS = "/api/intake/applications"
RECEIVING = {"window", "next window"}


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
FOR_ALL = ("/api/access/units",)
FOR_SOURCES = "/objections"
"""The department whose records established a fact may object to it."""


async def test_every_route_asks_for_a_token_and_a_department_is_given_none_of_them(platform: Hosted) -> None:
    for method, path in operations(platform):
        if path.startswith(OPEN):
            continue
        assert (await call(platform, None, method, path, content=b"{")).status_code == 401, path
        if path.startswith("/api/auth/") or (method == "GET" and path in FOR_ALL):
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
    tries = wrong[:1]
    while len(tries) < 60 and tries[-1].status_code == 404:  # a slow machine makes room in between
        said, headers = {"code": f"B{len(tries):09d}"}, {"X-Forwarded-For": f"10.0.0.{len(tries)}"}
        tries.append(await call(platform, None, "GET", path, params=said, headers=headers))
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
