"""Access on a real database: signing in, being refused, the tree of units, and what is written down of it."""

import asyncio
from pathlib import Path

import httpx
import jwt
import pytest
import pytest_asyncio
import yaml
from fastapi import FastAPI

from services.access.api.door import Door
from services.access.domain.accounts import account_id
from services.access.service import SERVICE
from services.access.store.seed import seed
from shared.bus.embedded import EmbeddedBus
from shared.catalog.registry import load
from shared.clock import SystemClock, VirtualClock, parse_clock
from shared.config import Settings
from shared.crypto import Keyring
from shared.db.site import Site
from shared.delivery.service import RunningService, World
from shared.http.app import install
from shared.http.auth import Principal, RoleInUnit, Verifier, check_guards, public_paths
from shared.http.refusals import HttpError
from shared.http.tokens import issue
from shared.person_index import PersonIndex
from shared.policy import Policy
from tests.support.toy import Oracle, create_schema

DEMO = Path(__file__).resolve().parents[2] / "demo"
SECRET = "onewindow-demo"
POLICY = Policy.load(SERVICE.policy)


def demo(name):
    return yaml.safe_load((DEMO / f"{name}.yaml").read_text("utf-8"))[name]


class Access:
    """The service at work behind its routes, seeded with the demonstration."""

    def __init__(self, db, keys):
        self.db = db
        catalog = load()
        self.keyring = Keyring.open(keys, ["access"])
        self.clock = parse_clock("virtual:2026-11-21T09:00:00+08:00")
        bus = EmbeddedBus(db, direct=False)
        world = World(Settings(demo=False), catalog, self.clock, bus, Oracle())
        self.service = RunningService(
            SERVICE, world, Site(db, bus.presence), self.keyring.limited_to("access", sign=True), POLICY
        )
        self.app = FastAPI(redoc_url=None)
        install(self.app, Verifier.of(self.keyring))
        assert SERVICE.router is not None
        self.app.include_router(SERVICE.router(self.service), prefix="/api/access")
        for prefix, router in SERVICE.further_routers.items():
            self.app.include_router(router(self.service), prefix=prefix)
        check_guards(self.app)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://t")

    async def seed(self):
        await seed(self.service, demo("units"), demo("accounts"))

    async def sign_in(self, account, secret=SECRET):
        form = {"grant_type": "password", "username": account, "password": secret}
        return await self.http.post("/api/auth/token", data=form)

    async def bearer(self, account):
        return {"authorization": f"Bearer {(await self.sign_in(account)).json()['access_token']}"}

    async def fetch(self, sql, *args):
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)


@pytest_asyncio.fixture
async def access(db, tmp_path):
    found = Access(db, tmp_path / "keys")
    await create_schema(db, SERVICE)
    lanes = asyncio.create_task(found.service.commands.serve())
    await found.seed()
    yield found
    await found.http.aclose()
    lanes.cancel()
    await asyncio.gather(lanes, return_exceptions=True)


async def test_a_clerk_signs_in_and_the_token_says_who_may_act_where(access):
    answer = await access.sign_in("clerk")
    assert (answer.status_code, answer.json()["token_type"], answer.json()["expires_in"]) == (200, "bearer", 900)
    assert answer.headers["cache-control"] == "no-store"
    me = await access.http.get("/api/auth/me", headers=await access.bearer("clerk"))
    assert me.json() == {
        "account": "clerk",
        "name": "周晓燕",
        "kind": "staff",
        "roles": [{"role": "clerk", "unit": "420112-HALL-W01", "region": "420112"}],
        "scopes": [],
    }


async def test_a_token_is_verified_by_anybody_with_the_published_keys(access):
    token = (await access.sign_in("handler")).json()["access_token"]
    keys = jwt.PyJWKSet.from_dict((await access.http.get("/api/auth/jwks")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="onewindow-api")["sub"] == "handler"


async def test_a_citizen_carries_the_own_reference_and_a_department_comes_by_client_credentials(access):
    verifier = Verifier.of(access.keyring)
    citizen = verifier.verify((await access.sign_in("citizen")).json()["access_token"])
    index = PersonIndex(access.keyring.index_key)
    assert citizen.person_ref == index.person_ref("resident_id", "420112197003150014")
    assert not citizen.covers("420112")
    form = {"grant_type": "client_credentials", "client_id": "psb", "client_secret": SECRET}
    psb = verifier.verify((await access.http.post("/api/auth/token", data=form)).json()["access_token"])
    assert (psb.kind, [(r.role, r.region) for r in psb.roles]) == ("department", [("psb", "420112")])
    assert (await access.sign_in("psb")).status_code == 401


async def test_a_stand_in_has_the_role_while_the_dates_last(access):
    verifier = Verifier.of(access.keyring)
    before = verifier.verify((await access.sign_in("deputy")).json()["access_token"])
    assert before.has("approver")
    assert isinstance(access.clock, VirtualClock)
    access.clock.set(parse_clock("fixed:2037-01-01T00:00:00+08:00").now())
    after = verifier.verify((await access.sign_in("deputy")).json()["access_token"])
    assert after.roles == ()


async def test_a_wrong_name_and_a_wrong_secret_are_told_apart_by_the_audit_alone(access):
    wrong, nobody = await access.sign_in("clerk", "wrong-secret"), await access.sign_in("no.such.person")
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert wrong.json() == nobody.json()
    assert wrong.json()["code"] == "INVALID_CREDENTIALS"
    rows = await access.fetch("SELECT actor, detail FROM access.audit WHERE action = 'SignInRefused' ORDER BY seq")
    assert [(r["actor"], r["detail"]) for r in rows] == [
        ("clerk", '{"reason": "wrong_secret"}'),
        ("unknown", '{"reason": "unknown"}'),
    ]
    everything = str(await access.fetch("SELECT * FROM access.audit")) + str(
        await access.fetch("SELECT * FROM access.sign_in_failure")
    )
    assert "wrong-secret" not in everything
    assert "no.such.person" not in everything


@pytest.mark.parametrize("name", ["clerk", "no.such.person"])
async def test_guessing_at_a_name_is_slowed_whether_it_exists_or_not(access, name):
    answers = [(await access.sign_in(name, "guess")).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    refused = await access.sign_in(name)
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 1 <= int(refused.headers["retry-after"]) <= 15


async def test_the_right_secret_wipes_out_wrong_tries(access):
    for _ in range(2):
        for _ in range(4):
            assert (await access.sign_in("clerk", "guess")).status_code == 401
        assert (await access.sign_in("clerk")).status_code == 200


async def test_guessing_from_one_address_at_many_names_is_slowed_and_every_process_counts_the_same(access, monkeypatch):
    monkeypatch.setattr("services.access.store.accounts.FREE_TRIES_OF_ADDRESS", 6)
    doors = [Door(access.service), Door(access.service)]

    async def guess(number, address):
        try:
            await doors[number % 2].enter("password", f"guessed.{number}", "guess-guess", address)
        except HttpError as refused:
            return refused.status

    assert [await guess(n, "10.0.0.1") for n in range(8)] == [401] * 6 + [429] * 2
    assert await guess(9, "10.0.0.2") == 401, "another address is another count"
    with pytest.raises(HttpError) as slowed:
        await doors[0].enter("password", "clerk", SECRET, "10.0.0.1")
    assert slowed.value.status == 429, "the right secret is not tried either, so that nothing is learnt of it"
    rows = str(await access.fetch("SELECT * FROM access.sign_in_failure"))
    assert "10.0.0" not in rows


async def test_a_name_that_is_slowed_is_slowed_in_every_process(access):
    doors = [Door(access.service), Door(access.service)]
    statuses = []
    for number in range(7):
        with pytest.raises(HttpError) as refused:
            await doors[number % 2].enter("password", "clerk", "guess-guess", f"10.0.0.{number}")
        statuses.append(refused.value.status)
    assert statuses == [401] * 5 + [429] * 2


async def test_a_session_goes_on_by_renewing_with_the_roles_held_then(access):
    token = (await access.sign_in("deputy")).json()["access_token"]
    access.clock.set(parse_clock("fixed:2037-01-01T00:00:00+08:00").now())
    answer = await access.http.post("/api/auth/renew", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 900)
    verifier = Verifier.of(access.keyring)
    renewed = verifier.verify(answer.json()["access_token"])
    assert (renewed.session, renewed.roles) == (verifier.verify(token).session, ())


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({}, "/grant_type"),
        ({"grant_type": "implicit"}, "/grant_type"),
        ({"grant_type": "password", "username": "clerk"}, "/password"),
        ({"grant_type": "client_credentials", "username": "psb", "client_secret": "x"}, "/client_id"),
        ({"grant_type": "password", "username": "clerk", "password": "x" * 201}, "/password"),
    ],
)
async def test_a_malformed_sign_in_names_the_field(access, form, pointer):
    answer = await access.http.post("/api/auth/token", data=form)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_seeding_again_changes_nothing_that_people_have_changed(access):
    before = await access.fetch("SELECT id, version FROM access.node ORDER BY id")
    hashes = await access.fetch("SELECT account, secret FROM access.account ORDER BY account")
    await access.seed()
    assert await access.fetch("SELECT id, version FROM access.node ORDER BY id") == before
    assert await access.fetch("SELECT account, secret FROM access.account ORDER BY account") == hashes
    assert all(h["secret"].startswith("$argon2id$v=19$m=19456,t=2,p=1$") for h in hashes)
    told = await access.fetch("SELECT headers->>'aggregateid' AS code FROM access.outbox")
    assert sorted(row["code"] for row in told) == sorted(u["code"] for u in demo("units"))


async def test_the_tree_is_listed_by_what_lies_under_a_unit_page_by_page(access):
    clerk, citizen = await access.bearer("clerk"), await access.bearer("citizen")
    seen, query = [], {"under": "420112", "limit": 7}
    while True:
        page = (await access.http.get("/api/access/units", params=query, headers=clerk)).json()
        seen += [u["code"] for u in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    wanted = [u["code"] for u in demo("units") if "420112" in u["code"]]
    assert seen == sorted(wanted)
    shown = (await access.http.get("/api/access/units", params={"under": "420112-ELDERLY"}, headers=citizen)).json()
    assert [set(u) & {"code", "attributes"} for u in shown["items"]] == [{"code"}]
    missing = await access.http.get("/api/access/units", params={"under": "999999"}, headers=clerk)
    assert missing.status_code == 404


def new_unit(**changed):
    facts = {"code": "420112-HALL-W03", "kind": "window", "name": "窗口三", "region": "420112", "parent": "420112-HALL"}
    return {**facts, "valid_from": "2026-11-21", **changed}


async def test_the_security_role_makes_a_unit_once_however_often_it_is_sent(access):
    security = await access.bearer("security")

    async def put(key, **changed):
        return await access.http.post(
            "/api/access/units", json=new_unit(**changed), headers=security | {"Idempotency-Key": key}
        )

    first, again, other = await put("k1"), await put("k1"), await put("k1", name="别的")
    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    renamed = await put("k2", name="窗口三(新)", valid_to="2027-12-31")
    assert (renamed.json()["version"], renamed.json()["valid_to"]) == (2, "2027-12-31")
    rows = await access.fetch(
        "SELECT headers->>'streamversion' AS v FROM access.outbox WHERE key = $1", first.json()["code"]
    )
    assert [row["v"] for row in rows] == ["1", "2"]
    assert (await put("k3", kind="hall")).status_code == 409


async def test_a_wrong_unit_is_refused_and_nothing_is_stored(access):
    security = await access.bearer("security") | {"Idempotency-Key": "k"}
    wrong = await access.http.post(
        "/api/access/units", json=new_unit(parent="NOWHERE", valid_to="2020-01-01"), headers=security
    )
    assert {e["pointer"] for e in wrong.json()["errors"]} == {"/parent", "/valid_to"}
    clerk = await access.bearer("clerk")
    assert (await access.http.post("/api/access/units", json=new_unit(), headers=clerk)).status_code == 403
    assert await access.fetch("SELECT 1 FROM access.node WHERE code = '420112-HALL-W03'") == []


async def test_a_disabled_account_gets_no_token_and_the_audit_says_who_did_it(access):
    security = await access.bearer("security")
    address = f"/api/access/accounts/{account_id('clerk')}/disable"
    first = await access.http.post(address, headers=security)
    again = await access.http.post(address, headers=security)
    assert (first.status_code, again.json()) == (200, first.json())
    assert (await access.sign_in("clerk")).status_code == 401
    [row, *_] = await access.fetch("SELECT actor, aggregate_id FROM access.audit WHERE action = 'AccountDisabled'")
    assert (row["actor"], row["aggregate_id"]) == ("security", str(account_id("clerk")))
    own = await access.http.post(f"/api/access/accounts/{account_id('security')}/disable", headers=security)
    assert (own.status_code, own.json()["code"]) == (422, "OWN_ACCOUNT")
    nobody = await access.http.post(f"/api/access/accounts/{account_id('nobody')}/disable", headers=security)
    assert nobody.status_code == 404


async def test_a_security_officer_sees_the_accounts_of_their_own_place_and_no_citizens(access):
    security = await access.bearer("security")
    page = (await access.http.get("/api/access/accounts", params={"limit": 200}, headers=security)).json()
    assert [a["account"] for a in page["items"]] == sorted(
        a["account"] for a in demo("accounts") if a["account"] != "citizen"
    )
    (deputy,) = [a for a in page["items"] if a["account"] == "deputy"]
    assert (deputy["id"], deputy["roles"][0]["stand_in_for"]) == (str(account_id("deputy")), "approver")
    assert set(deputy) == {"id", "account", "name", "kind", "disabled_at", "roles"}
    county = Principal("o", "o", "staff", (RoleInUnit("security", "420102", "420102"),))
    kid, key = access.keyring.signing_key
    head = {"authorization": f"Bearer {issue(county, kid, key, SystemClock().now())}"}
    theirs = (await access.http.get("/api/access/accounts", headers=head)).json()["items"]
    assert {a["account"] for a in theirs} == {"clerk_other", "handler_other", "approver_other"}


async def test_only_the_token_and_the_keys_are_open(access):
    assert public_paths(access.app) == {"/api/auth/token", "/api/auth/jwks"}
