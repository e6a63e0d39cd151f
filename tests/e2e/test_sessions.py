"""Sessions on a running platform: what ends them, how soon, and what becomes of the work that was held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from services.access.domain.accounts import account_id
from shared.clock import new_id
from shared.config import Settings
from shared.errors import Misconfigured
from shared.http.tokens import Verifier
from shared.runtime.app import _exchange
from shared.runtime.host import Host
from tests.e2e.acting import allowance, claim, decide, person, task
from tests.support.attack import call
from tests.support.database import Server, eventually
from tests.support.platform import NOW, PASSWORD, Hosted, run_platform
from tests.support.provider import CLIENT, provider

pytestmark = pytest.mark.e2e
ME = "/api/auth/me"


def head(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def sign_in(platform: Hosted, account: str, password: str = PASSWORD) -> httpx.Response:
    form = {"grant_type": "password", "username": account, "password": password}
    return await call(platform, None, "POST", "/api/auth/token", data=form)


async def signed_in(platform: Hosted, account: str, password: str = PASSWORD) -> str:
    found: str = (await sign_in(platform, account, password)).json()["access_token"]
    return found


async def refused(platform: Hosted, token: str) -> None:
    """Waits until the token opens nothing any more."""

    async def over() -> bool:
        return (await call(platform, None, "GET", ME, headers=head(token))).status_code == 401

    await eventually(over, "the token to be refused")


async def say_who(platform: Hosted, token: str) -> dict[str, Any]:
    found: dict[str, Any] = (await call(platform, None, "GET", ME, headers=head(token))).json()
    return found


async def test_who_signs_out_is_out_and_the_others_of_the_account_stay(platform: Hosted) -> None:
    mine, other = await signed_in(platform, "clerk"), await signed_in(platform, "clerk")
    answer = await call(platform, None, "POST", "/api/auth/sign-out", headers=head(mine))
    assert (answer.status_code, answer.json()) == (200, {"ended": 1})
    await refused(platform, mine)
    assert (await say_who(platform, other))["account"] == "clerk"
    again = await call(platform, None, "POST", "/api/auth/renew", headers=head(other))
    renewed = again.json()["access_token"]
    assert (again.status_code, renewed != other) == (200, True)
    await call(platform, None, "POST", "/api/auth/sign-out", headers=head(renewed))
    await refused(platform, other)
    await refused(platform, renewed)


@pytest.fixture
async def own(server):
    """A platform whose accounts a test may change."""
    async with run_platform(await server.new_platform_database()) as made:
        yield made


async def test_what_ends_an_account_ends_its_tokens_and_frees_its_work(own: Hosted) -> None:
    await a_changed_password(own)
    await a_role_taken(own)
    await a_stand_in_between_its_dates(own)
    await a_disabled_account(own)
    assert await causes(own, "village_worker") == ["password_changed"]
    assert await causes(own, "handler") == ["roles_changed", "roles_changed", "disabled"]
    assert await causes(own, "town_clerk") == ["roles_changed"]


async def causes(own: Hosted, account: str) -> list[str]:
    """Why sessions of the account ended, as every service was told, in order."""
    told = await own.records("onewindow.access.events", str(account_id(account)))
    return [orjson.loads(data)["cause"] for kind, data in told if ".SessionsEnded." in kind]


async def a_changed_password(own: Hosted) -> None:
    first, second = await signed_in(own, "village_worker"), await signed_in(own, "village_worker")
    for wrong, status in (("guess-guess", 401), (PASSWORD, 422)):
        body = {"old": wrong, "new": "a-new-secret-2026" if status == 401 else PASSWORD}
        answer = await call(own, None, "POST", "/api/auth/password", headers=head(first), json=body)
        assert answer.status_code == status, answer.text
    body = {"old": PASSWORD, "new": "a-new-secret-2026"}
    answer = await call(own, None, "POST", "/api/auth/password", headers=head(first), json=body)
    assert (answer.status_code, answer.json()) == (200, {"ended": 2})
    await refused(own, first)
    await refused(own, second)
    assert (await sign_in(own, "village_worker")).status_code == 401
    assert (await sign_in(own, "village_worker", "a-new-secret-2026")).status_code == 200


async def held(own: Hosted, account: str = "handler") -> tuple[dict[str, Any], str]:
    """A task of the elderly section that the account has claimed, and its lease."""
    number = (await own.submit(allowance(person("程长寿"))))["application_no"]
    at = await task(own, "elderly", number, account, "age_allowance_review")
    return at, (await claim(own, at, account)).json()["lease"]


async def as_security(own: Hosted, account: str, act: str, body: Any = None) -> httpx.Response:
    return await own.post(f"/api/access/accounts/{account_id(account)}/{act}", body, "security")


async def seen(own: Hosted, at: dict[str, Any], account: str) -> dict[str, Any]:
    found: dict[str, Any] = (await own.get(f"/api/elderly/tasks/{at['id']}", account)).json()
    return found


async def a_role_taken(own: Hosted) -> None:
    at, lease = await held(own)
    token = await signed_in(own, "handler")
    past = {"role": "handler", "unit": "420112-ELDERLY", "valid_to": "2026-11-20"}
    answer = await as_security(own, "handler", "roles", past)
    assert answer.status_code == 200, answer.text
    await refused(own, token)
    own._tokens.pop("handler")

    async def freed() -> bool:
        return (await seen(own, at, "supervisor"))["state"] == "open"

    await eventually(freed, "the task to be free")
    note = (await seen(own, at, "supervisor"))["data"]["freed"]
    assert (note["from"], note["why"]) == ("handler", "HOLDER_LEFT")
    late = await decide(own, at, "handler", "approve", lease=lease)
    assert late.status_code == 404, "it is another section's now"
    roles = (await say_who(own, await signed_in(own, "handler")))["roles"]
    assert "420112-ELDERLY" not in {role["unit"] for role in roles}
    await as_security(own, "handler", "roles", {**past, "valid_to": None})
    own._tokens.pop("handler", None)


async def a_stand_in_between_its_dates(own: Hosted) -> None:
    stand_in = {"role": "handler", "unit": "420112-ELDERLY", "stand_in_for": "handler"}
    days = {"valid_from": "2026-11-21", "valid_to": "2026-11-25"}
    for body, status in (
        ({**stand_in, "valid_from": "2026-11-21"}, 422),
        ({**stand_in, **days, "stand_in_for": "approver"}, 422),
        ({**stand_in, **days}, 200),
    ):
        assert (await as_security(own, "town_clerk", "roles", body)).status_code == status, body
    own._tokens.clear()
    at, _ = await held(own, "town_clerk")
    assert (await decide(own, at, "town_clerk", "approve")).status_code == 200
    await own.post("/api/dev/clock", {"to": "2026-11-26T09:00:00+08:00"})
    own._tokens.clear()
    roles = (await say_who(own, await signed_in(own, "town_clerk")))["roles"]
    assert {role["role"] for role in roles} == {"town_clerk"}


async def a_disabled_account(own: Hosted) -> None:
    own._tokens.clear()
    at, _ = await held(own)
    token = await signed_in(own, "handler")
    answer = await as_security(own, "handler", "disable")
    assert (answer.status_code, answer.json()["ended"]) == (200, 2)
    await refused(own, token)
    assert (await sign_in(own, "handler")).status_code == 401
    assert (await call(own, None, "POST", "/api/auth/renew", headers=head(token))).status_code == 401

    async def open_again() -> bool:
        return (await seen(own, at, "supervisor"))["state"] == "open"

    await eventually(open_again, "the task to be open again")
    assert (await claim(own, at, "deputy")).status_code == 200, "who stands in goes on until the last day"


async def test_nobody_gives_a_role_to_themselves_or_beyond_their_place(platform: Hosted) -> None:
    role = {"role": "supervisor", "unit": "420112"}
    mine = await platform.post(f"/api/access/accounts/{account_id('security')}/roles", role, "security")
    assert (mine.status_code, mine.json()["code"]) == (422, "OWN_ACCOUNT")
    for who in ("clerk", "supervisor", "operator"):
        answer = await platform.post(f"/api/access/accounts/{account_id('clerk')}/roles", role, who)
        assert answer.status_code == 403
    nobody = await platform.post(f"/api/access/accounts/{new_id()}/roles", role, "security")
    assert nobody.status_code == 404


async def test_a_process_that_does_not_host_access_refuses_what_ended_and_asks_access_about_outside_tokens(
    server: Server, tmp_path: Path
) -> None:
    with provider() as outside:
        shared: dict[str, Any] = {
            "database_url": await server.new_platform_database(),
            "keys": tmp_path / "keys",
            "demo": True,
            "clock": f"virtual:{NOW}@1",
            "oidc_issuer": outside.issuer,
            "oidc_audience": CLIENT,
            "oidc_account_claim": "preferred_username",
        }
        async with (
            Host(Settings(**shared), ["access"]).running() as first,
            Host(Settings(**shared, auth_url="http://access"), ["elderly"]).running() as second,
        ):
            doors, work = Hosted(first), Hosted(second)
            work.app.state.exchange._client = doors._http()
            mine, path = await signed_in(doors, "handler"), "/api/elderly/tasks"
            assert (await call(work, None, "GET", path, headers=head(mine))).status_code == 200
            await call(doors, None, "POST", "/api/auth/sign-out", headers=head(mine))

            async def over() -> bool:
                return (await call(work, None, "GET", path, headers=head(mine))).status_code == 401

            await eventually(over, "the other process to hear of it")
            theirs = outside.token("u-approver", preferred_username="approver", roles=["supervisor"])
            assert (await call(work, None, "GET", path, headers=head(theirs))).status_code == 200
            forged = f"{theirs[:-4]}AAAA"
            assert (await call(work, None, "GET", path, headers=head(forged))).status_code == 401
            work.app.state.exchange._client = httpx.AsyncClient(base_url="http://127.0.0.1:9")
            late = outside.token("u-late", preferred_username="approver_other")
            away = await call(work, None, "GET", path, headers=head(late))
            assert (away.status_code, "retry-after" in away.headers) == (503, True)


def test_a_process_without_access_must_know_where_tokens_are_exchanged() -> None:
    settings = Settings(oidc_issuer="https://id.example", oidc_audience="a")
    with pytest.raises(Misconfigured, match="ONEWINDOW_AUTH_URL"):
        _exchange(FastAPI(), settings, Verifier({}))
