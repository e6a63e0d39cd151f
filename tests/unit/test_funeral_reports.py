"""What a funeral home reports over HTTP, on a real database: kept once, refused when wrong, and heard by who waits."""

import asyncio
from copy import deepcopy

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.funeral.service import SERVICE
from shared.bus.embedded import EmbeddedBus
from shared.catalog.registry import load
from shared.clock import parse_clock
from shared.config import Settings
from shared.crypto import Keyring
from shared.db.site import Site
from shared.delivery.service import RunningService, World
from shared.delivery.unit_of_work import Entry
from shared.facts.port import FactAnswer
from shared.handling.sealing import seal_part
from shared.http.app import install
from shared.http.auth import Principal, RoleInUnit, Verifier, check_guards
from shared.http.tokens import issue
from shared.messages import derived_id
from shared.outcomes import FactStatus
from shared.person_index import PersonIndex
from shared.policy import Policy
from shared.runtime.supervisor import Supervisor
from shared.runtime.workers import workers_of
from tests.support.catalogue import SAMPLE
from tests.support.database import eventually
from tests.support.fake_ctx import item_requested
from tests.support.toy import create_schema
from tests.unit.test_http_auth import KEY

HOME = Principal("funeral_home", "殡仪馆", "partner", (RoleInUnit("funeral_home", "FH-420112-01", "420112"),))
CLERK = Principal("clerk", "周晓燕", "staff", (RoleInUnit("clerk", "420112-HALL-W01", "420112"),))
PERSON = {k: SAMPLE["subject"][k] for k in ("id_type", "id_no", "name")}
REPORT = {
    "home_no": "FH-420112-01",
    "person": PERSON,
    "died_on": "2026-11-10",
    "cremated_on": "2026-11-12",
    "furnace": "3",
    "certificate_no": "HH-2026-1",
    "charges": deepcopy(SAMPLE["form"]["fee_items"]),
}


class Silence:
    """No source outside knows anything."""

    async def answer(self, questions):
        return [FactAnswer(FactStatus.SILENT) for _ in questions]


class Funeral:
    """The service at work behind its routes, with all its workers."""

    def __init__(self, db, keys):
        self.db = db
        self.catalog = load()
        self.clock = parse_clock("virtual:2026-11-21T09:00:00+08:00")
        self.keyring = Keyring.open(keys, ["funeral"])
        self.bus = EmbeddedBus(db)
        world = World(Settings(demo=False), self.catalog, self.clock, self.bus, Silence())
        assert SERVICE.policy is not None
        policy = Policy.load(SERVICE.policy)
        self.service = RunningService(
            SERVICE, world, Site(db, self.bus.presence), self.keyring.limited_to("funeral"), policy
        )
        self.supervisor = Supervisor()
        self.app = FastAPI(redoc_url=None)
        install(self.app, Verifier({"1-a": KEY.public_key()}, self.clock))
        assert SERVICE.router is not None
        self.app.include_router(SERVICE.router(self.service), prefix="/api/funeral")
        check_guards(self.app)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://t")

    async def start(self):
        await create_schema(self.db, SERVICE)
        await self.bus.start()
        await self.bus.declare(list(self.catalog.topics.values()))
        await self.service.start()
        for name, work in workers_of(self.service).items():
            self.supervisor.start(f"funeral.{name}", work)

    async def stop(self):
        await self.http.aclose()
        await self.supervisor.stop()
        await self.bus.stop()

    def token(self, who):
        return {"authorization": f"Bearer {issue(who, '1-a', KEY, self.clock.now())}"}

    async def report(self, who=HOME, **changed):
        return await self.http.post("/api/funeral/cremations", json={**REPORT, **changed}, headers=self.token(who))

    async def list(self, **params):
        return await self.http.get("/api/funeral/cremations", params=params, headers=self.token(HOME))

    async def request(self, matter, **changed):
        """An item of the sample family, as the coordinator would send it; answers its id."""
        ctx = self.service.ctx()
        case, item = derived_id("case", matter), derived_id("item", matter)
        part = {"parties": {"subject": SAMPLE["subject"]}, "form": SAMPLE["form"]}
        message = item_requested(
            ctx,
            matter,
            item_id=item,
            case_id=case,
            sealed=seal_part(ctx.keyring.sealer(), "funeral", case, item, 1, part),
            person_ref=PersonIndex(self.keyring.index_key).person_ref("resident_id", PERSON["id_no"]),
            check="none",
            **changed,
        )
        await self.handle(type(message), item, message)
        return item

    async def handle(self, kind, item, message):
        handler = SERVICE.handlers[kind].handler
        call = lambda state, ctx: (handler(state, message, ctx), None)
        await self.service.unit_of_work.apply([Entry("item", item, call, kind.__name__)])
        self.service.news.asks.set()

    async def decided(self, item):
        async def is_decided():
            found = await self.service.load("item", item)
            return found if found and found.phase == "decided" else None

        return await eventually(is_decided, "the item to be decided")

    async def fetch(self, sql, *args):
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)


@pytest_asyncio.fixture
async def funeral(db, tmp_path):
    made = Funeral(db, tmp_path / "keys")
    await made.start()
    yield made
    await made.stop()


async def test_a_report_is_kept_once_however_often_it_comes(funeral):
    answers = await asyncio.gather(*(funeral.report() for _ in range(4)))
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers]
    assert len({a.text for a in answers}) == 1
    assert len(await funeral.fetch("SELECT 1 FROM funeral.cremation")) == 1
    reordered = await funeral.report(charges=REPORT["charges"][::-1])
    assert reordered.status_code == 201


async def test_the_same_certificate_with_another_content_is_refused(funeral):
    await funeral.report()
    answer = await funeral.report(cremated_on="2026-11-13")
    assert (answer.status_code, answer.json()["code"]) == (409, "CREMATION_DIFFERS")


async def test_another_homes_report_is_refused_before_anything_in_it_is_looked_at(funeral):
    answer = await funeral.report(home_no="FH-420102-01", died_on="nonsense")
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_UNIT")
    assert (await funeral.report(who=CLERK)).status_code == 403


async def test_everything_wrong_is_named_at_once_and_nothing_is_stored(funeral):
    answer = await funeral.report(
        person={**PERSON, "id_no": "420112194002290012"},
        died_on="2026-11-20",
        charges=[{"code": "gold", "quantity": 1, "charged": "1.00"}],
        cremated_on="2026-11-19",
    )
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/person/id_no", "ID_CHECK_DIGIT"),
        ("/cremated_on", "BEFORE_DEATH"),
        ("/charges/0/code", "UNKNOWN_CHARGE"),
    ]
    assert await funeral.fetch("SELECT 1 FROM funeral.cremation") == []


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"cremated_on": "2026-12-01"}, "/cremated_on"),
        ({"charges": []}, "/charges"),
        ({"charges": [{"code": "urn", "quantity": 0, "charged": "1.00"}]}, "/charges/0/quantity"),
        ({"charges": [{"code": "urn", "quantity": 1, "charged": 1.5}]}, "/charges/0/charged"),
        ({"certificate_no": ""}, "/certificate_no"),
        ({"secret": 1}, "/secret"),
        ({"died_on": "1930-01-01"}, "/died_on"),
    ],
)
async def test_a_wrong_field_of_a_report_is_named(funeral, changed, pointer):
    answer = await funeral.report(**changed)
    assert answer.status_code == 422
    assert pointer in [e["pointer"] for e in answer.json()["errors"]]


async def test_a_home_sees_its_own_reports_of_a_month_masked(funeral):
    await funeral.report()
    await funeral.report(certificate_no="HH-2026-2", cremated_on="2026-11-14")
    first = (await funeral.list(month="2026-11", limit=1)).json()
    assert first["items"][0]["person"] == {"name": "李**", "id_no": "420112********0011"}
    second = (await funeral.list(month="2026-11", limit=1, after=first["next"])).json()
    assert [i["certificate_no"] for i in (*first["items"], *second["items"])] == ["HH-2026-1", "HH-2026-2"]
    assert second["next"] is None
    assert (await funeral.list(month="2026-10")).json()["items"] == []


async def test_nothing_personal_rests_in_clear(funeral):
    await funeral.report()
    for table in ("cremation", "ask", "audit", "outbox"):
        rows = await funeral.fetch(f"SELECT * FROM funeral.{table}")
        assert not any(word in str(rows) for word in (PERSON["name"], PERSON["id_no"], "HH-2026-1"))


async def test_a_report_that_came_first_ends_the_application_when_it_comes(funeral):
    await funeral.report()
    item = await funeral.request("funeral.cremation")
    assert (await funeral.decided(item)).conclusion["reason_code"] == "REPORTED_BY_HOME"


async def test_an_item_that_waits_is_ended_by_the_report_that_comes_later(funeral):
    item = await funeral.request("funeral.cremation")

    async def waits():
        found = await funeral.service.load("item", item)
        return found.waiting_on and found.waiting_on.kind == "department"

    await eventually(waits, "the item to wait for the home")
    assert (await funeral.report()).status_code == 201
    assert (await funeral.decided(item)).conclusion["result"]["cremated_on"] == "2026-11-12"
    published = await funeral.fetch("SELECT 1 FROM bus.record WHERE topic = 'onewindow.funeral.events'")
    assert len(published) == 1


async def test_a_waiver_is_granted_against_the_report(funeral):
    await funeral.report()
    item = await funeral.request("funeral.fee_waiver", ready=True)
    assert (await funeral.decided(item)).conclusion["result"]["waived"] == "980.00"
