"""What people and sources do to a running platform, for tests: hand in, claim, decide, report, say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import httpx
import orjson

from demo.families import Family, bereavement_application, invent_family
from demo.people import Person, id_number
from tests.support.database import eventually
from tests.support.platform import Hosted, Platform

HOME = "FH-420112-01"
_SEEDS = count(20_000)
_GONE: set[str] = set()
_SERIALS = count(1)


def family(platform: Platform, name: str = "") -> Family:
    """A family nobody else has in this run: two inventions may share a person."""
    found = next(f for f in (invent_family(n, platform.today) for n in _SEEDS) if f.deceased.id_no not in _GONE)
    _GONE.add(found.deceased.id_no)
    return replace(found, deceased=replace(found.deceased, name=name)) if name else found


def person(name: str, born: date = date(1940, 3, 5)) -> Person:
    """A person nobody else has in this run; they live in the district and are born on this day."""
    return Person(name, id_number("420112", born, next(_SERIALS)))


def bereavement(platform: Platform, of: Family, **form: Any) -> dict[str, Any]:
    """What the family hands in."""
    found = bereavement_application(of, platform.today)
    found["form"].update(form)
    return found


async def hand_in(platform: Platform, of: Family, **form: Any) -> dict[str, Any]:
    """The family's application as it was received."""
    return await platform.submit(bereavement(platform, of, **form))


def allowance(who: Person, **form: Any) -> dict[str, Any]:
    """An application for the age allowance."""
    return {
        "matters": ["elderly.age_allowance"],
        "channel": "window",
        "accept_region": "420112",
        "applicant": who.party("applicant", phone="13800009999"),
        "form": {"hukou_region": "420112", "bank_account": _account(who), **form},
    }


def relief(who: Person, amount: str, **form: Any) -> dict[str, Any]:
    """An application for temporary relief."""
    asked = {
        "hardship_type": "quick",
        "occurred_at": "2026-11-15",
        "occurred_region": "420112",
        "description": "家中失火,急需安置。",
        "requested_amount": amount,
        "bank_account": _account(who),
    }
    return {
        "matters": ["assistance.temporary"],
        "channel": "window",
        "accept_region": "420112",
        "applicant": who.party("applicant"),
        "form": {**asked, **form},
    }


def _account(who: Person) -> dict[str, str]:
    return {"holder": who.name, "number": "6222020000000001234"}


async def say(platform: Platform, source: str, who: Person, status: str, **more: Any) -> None:
    """From now on the source says this of the person."""
    about = {"person": {"name": who.name, "id_type": "resident_id", "id_no": who.id_no}}
    answer = await platform.post("/api/dev/facts", {"source": source, "about": about, "status": status, **more})
    assert answer.status_code == httpx.codes.CREATED, answer.text


def report(of: Family, certificate: str, **changed: Any) -> dict[str, Any]:
    """What the funeral home reports of the family's dead person, agreeing with what the family states."""
    dead = of.deceased
    return {
        "home_no": HOME,
        "person": {"id_type": "resident_id", "id_no": dead.id_no, "name": dead.name},
        "died_on": of.died_on.isoformat(),
        "cremated_on": of.died_on.isoformat(),
        "certificate_no": certificate,
        "charges": [dict(item) for item in of.fee_items],
        **changed,
    }


async def cremated(platform: Platform, body: Mapping[str, Any], account: str = "funeral_home") -> httpx.Response:
    return await platform.post("/api/funeral/cremations", body, account)


def item_of(application: Mapping[str, Any], matter: str) -> dict[str, Any]:
    found: dict[str, Any] = next(i for i in application["items"] if i["matter"] == matter)
    return found


def statuses(application: Mapping[str, Any]) -> dict[str, str]:
    return {i["matter"]: i["status"] for i in application["items"]}


async def when(
    platform: Platform, number: str, fits: Callable[[dict[str, Any]], Any], what: str, seconds: float = 60
) -> dict[str, Any]:
    """The application once it fits; fails saying what was waited for and how it stood."""
    seen: dict[str, Any] = {}

    async def look() -> bool:
        seen.update(await platform.application(number))
        return bool(fits(seen))

    try:
        await eventually(look, f"{number}: {what}", seconds)
    except BaseException:
        print(seen.get("status"), [(i["matter"], i["status"], i["waiting_on"]) for i in seen.get("items", [])])
        platform.explain()
        raise
    return seen


async def ended(platform: Platform, number: str, seconds: float = 60) -> dict[str, Any]:
    """The application once it is over, in whatever way."""
    over = {"closed", "withdrawn", "not_accepted", "terminated"}
    return await when(platform, number, lambda a: a["status"] in over, "to end", seconds)


async def task(platform: Platform, service: str, number: str, account: str, kind: str) -> dict[str, Any]:
    """The open task of this kind, once it is there."""
    found: list[dict[str, Any]] = []

    async def look() -> bool:
        found[:] = [t for t in await platform.tasks(service, number, account) if t["kind"] == kind]
        return bool(found)

    await eventually(look, f"a task {kind} of {number}", 60)
    return found[0]


async def claim(platform: Platform, at: Mapping[str, Any], account: str) -> httpx.Response:
    return await platform.post(f"/api/{at['service']}/tasks/{at['id']}/claim", {}, account)


async def decide(platform: Platform, at: Mapping[str, Any], account: str, outcome: str, **body: Any) -> httpx.Response:
    """Claims the task and decides it."""
    lease = body.pop("lease", None)
    if lease is None:
        claimed = await claim(platform, at, account)
        assert claimed.status_code == httpx.codes.OK, claimed.text
        lease = claimed.json()["lease"]
    path = f"/api/{at['service']}/tasks/{at['id']}/decision"
    return await platform.post(path, {"lease": lease, "outcome": outcome, **body}, account)


async def settle_if_open(platform: Platform, at: Mapping[str, Any], account: str, outcome: str, **body: Any) -> None:
    """Claims and decides what may be taken back at any moment: then whoever comes too late is told so."""
    claimed = await claim(platform, at, account)
    if claimed.status_code == httpx.codes.OK:
        claimed = await decide(platform, at, account, outcome, lease=claimed.json()["lease"], **body)
    assert claimed.status_code == httpx.codes.OK or claimed.json()["code"] == "TASK_CLOSED", claimed.text


async def settle(platform: Platform, at: Mapping[str, Any], account: str, outcome: str, **body: Any) -> dict[str, Any]:
    """Claims and decides; it must go through."""
    answer = await decide(platform, at, account, outcome, **body)
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def events(platform: Platform, topic: str, name: str, case_id: str) -> list[dict[str, Any]]:
    """The payloads of this name that stand on the bus about a case."""
    found = await platform.records(topic, case_id)
    return [orjson.loads(data) for type_, data in found if type_.endswith(f".{name}.v1")]


async def published(platform: Platform, topic: str, name: str, case_id: str) -> list[dict[str, Any]]:
    """The same once there is one: what a service tells itself follows after the case has joined its decision."""
    found: list[dict[str, Any]] = []

    async def look() -> bool:
        found[:] = await events(platform, topic, name, case_id)
        return bool(found)

    await eventually(look, f"{name} of {case_id}", 60)
    return found


async def counts(platform: Hosted, *tables: str) -> dict[str, int]:
    """How many rows each table holds."""
    async with platform.host.db.transaction(None) as conn:
        return {table: await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
