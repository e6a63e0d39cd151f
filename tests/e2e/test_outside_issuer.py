"""Tokens of an outside issuer on a running platform, from a real OIDC provider of this machine."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.access.domain.accounts import account_id
from tests.e2e.acting import allowance, person
from tests.support.attack import call
from tests.support.database import eventually
from tests.support.platform import Hosted, run_platform
from tests.support.provider import CLIENT, provider

pytestmark = pytest.mark.e2e


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def both(server):
    """A provider, and a platform that takes its tokens."""
    with provider() as outside:
        claims = {"oidc_account_claim": "preferred_username", "oidc_identity_claim": "id_no"}
        settings = {"oidc_issuer": outside.issuer, "oidc_audience": CLIENT, **claims}
        async with run_platform(await server.new_platform_database(), **settings) as made:
            yield outside, made


async def with_token(platform: Hosted, token: str, method: str, path: str, **more: Any) -> httpx.Response:
    return await call(platform, None, method, path, headers={"Authorization": f"Bearer {token}"}, **more)


async def test_a_clerk_of_the_issuer_works_in_our_roles_and_never_in_the_tokens(both) -> None:
    outside, platform = both
    token = outside.token("u-clerk", preferred_username="clerk", name="别人", roles=["supervisor"], kind="staff")
    me = (await with_token(platform, token, "GET", "/api/auth/me")).json()
    assert (me["account"], me["name"]) == ("clerk", "周晓燕")
    assert me["roles"] == [{"role": "clerk", "unit": "420112-HALL-W01", "region": "420112"}]
    given = await with_token(platform, token, "POST", "/api/intake/applications", json=allowance(person("外来")))
    assert given.status_code == 201, given.text


async def test_one_account_is_one_subject_for_good_and_powerful_ones_are_linked_by_hand(both) -> None:
    outside, platform = both
    first = outside.token("u-handler", preferred_username="handler")
    assert (await with_token(platform, first, "GET", "/api/auth/me")).status_code == 200
    second = outside.token("u-thief", preferred_username="handler")
    assert (await with_token(platform, second, "GET", "/api/auth/me")).status_code == 401
    boss = outside.token("u-boss", preferred_username="auditor")
    assert (await with_token(platform, boss, "GET", "/api/auth/me")).status_code == 401
    link = f"/api/access/accounts/{account_id('auditor')}/link"
    assert (await platform.post(link, {"subject": "u-boss"}, "security")).status_code == 200
    assert (await platform.post(link, {"subject": "u-other"}, "security")).status_code == 409
    fresh = outside.token("u-boss", preferred_username="auditor", at=2)
    assert (await with_token(platform, fresh, "GET", "/api/auth/me")).json()["account"] == "auditor"


async def test_a_citizen_is_the_person_whose_number_the_issuer_verified(both) -> None:
    outside, platform = both
    mine = {**allowance(person("丁")), "channel": "online"}
    mine["applicant"] |= {"id_no": "420112197003150014", "name": "李明"}
    token = outside.token("u-citizen", name="李明", id_no="420112197003150014")
    me = (await with_token(platform, token, "GET", "/api/auth/me")).json()
    assert (me["kind"], me["name"], [r["role"] for r in me["roles"]]) == ("citizen", "李*", ["citizen"])
    given = await with_token(platform, token, "POST", "/api/intake/applications", json=mine)
    assert given.status_code == 201, given.text
    path = f"/api/intake/applications/{given.json()['application_no']}"
    assert (await platform.get(path, "citizen")).status_code == 200, "the same person by an account of ours"
    other = outside.token("u-stranger", name="王五", id_no=person("王五").id_no)
    assert (await with_token(platform, other, "GET", path)).status_code == 404
    unknown = outside.token("u-nobody", name="无名")
    assert (await with_token(platform, unknown, "GET", "/api/auth/me")).status_code == 401
    async with platform.host.services["access"].read() as conn:
        rows = str(await conn.fetch("SELECT * FROM access.account")) + str(
            await conn.fetch("SELECT * FROM access.outside_link")
        )
    assert not [said for said in ("420112197003150014", "u-citizen", "王五") if said in rows]


async def test_a_token_signed_out_opens_nothing_again(both) -> None:
    outside, platform = both
    token = outside.token("u-town", preferred_username="town_clerk")
    assert (await with_token(platform, token, "GET", "/api/auth/me")).status_code == 200
    assert (await with_token(platform, token, "POST", "/api/auth/sign-out")).json() == {"ended": 1}

    async def over() -> bool:
        return (await with_token(platform, token, "GET", "/api/auth/me")).status_code == 401

    await eventually(over, "the token to be refused")
    assert await over()


async def test_a_forged_token_of_the_issuer_changes_nothing_and_is_counted(both) -> None:
    outside, platform = both
    good = outside.token("u-x", preferred_username="clerk_other")
    head, body, mac = good.split(".")
    forged = f"{head}.{body}.{'A' * len(mac)}"
    answer = await with_token(platform, forged, "POST", "/api/intake/applications", json=allowance(person("假")))
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
    metrics = (await call(platform, None, "GET", "/metrics")).text
    assert 'onewindow_tokens_refused_total{fault="signature"}' in metrics
    assert (await platform.get("/readyz", None)).json()["services"]["access"] == "ready"
