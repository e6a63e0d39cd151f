"""A platform with one thing broken on purpose, worked on by a client that writes down what it sees.

`python -m tests.support.planted PLANT DSN KEYS CLIENT.jsonl [kafka://…]`: PLANT is one of `plants.PLANTS`. Three stops by rule; age
allowances that are withdrawn, half of them while their handler says nothing to it, so that the withdrawal times out
and the handler's decision comes too late. It ends when all work is done, whether or not every case is closed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx import AsyncClient

from demo.people import Person, id_number
from shared.catalog.protocol import ItemDecided, WithdrawalRequested
from shared.changes import Changes
from shared.config import load_settings
from shared.messages import Envelope, event_id, topic_of, type_of
from shared.outcomes import Decision
from shared.runtime.host import Host
from tests.faults.history.client import ClientLog
from tests.support.plants import PLANTS
from tests.support.platform import NOW, Hosted
from tests.support.worker import OutboxHost, three_stops

STOPS, AGREED, SILENT = 32, 4, 4
OVER = frozenset({"closed", "withdrawn", "not_accepted", "terminated"})
ANSWERS = topic_of("elderly", "answers")


class Client:
    """A clerk who speaks to the platform over HTTP and writes down what comes back."""

    def __init__(self, http: AsyncClient, log: ClientLog) -> None:
        self._http, self._log = http, log

    async def hand_in(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """The application as it was received."""
        self._log.submitted(key)
        answer = await self._http.post("/api/intake/applications", json=body, headers={"Idempotency-Key": key})
        found: dict[str, Any] = answer.raise_for_status().json()
        self._log.answered(key, answer.status_code, found)
        return found

    async def withdraw(self, application: dict[str, Any]) -> None:
        """Asks for the whole application back."""
        key, case_id, number = f"w-{application['case_id']}", application["case_id"], application["application_no"]
        self._log.withdrawing(key, case_id)
        path = f"/api/intake/applications/{number}/withdraw"
        answer = await self._http.post(path, json={"reason": "不办了"}, headers={"Idempotency-Key": key})
        self._log.withdrawn(key, case_id, answer.status_code)

    async def done(self, hours: int = 0) -> None:
        """Waits until all work is done, at the latest so many hours of business time later."""
        moved = await self._http.post("/api/dev/clock", json={"hours": hours, "minutes": 1})
        moved.raise_for_status()

    async def look(self, applications: Iterable[dict[str, Any]]) -> None:
        """Reads the applications, and notes those that are over."""
        for application in applications:
            answer = await self._http.get(f"/api/intake/applications/{application['application_no']}")
            seen = answer.raise_for_status().json()
            if seen["status"] in OVER:
                self._log.concluded(seen)


def allowance(number: int) -> dict[str, Any]:
    """The application of a person of eighty and more; a person has to review it."""
    who = Person(f"赵第{number}", id_number("420112", date(1940, 3, 5), number))
    return {
        "matters": ["elderly.age_allowance"],
        "channel": "window",
        "accept_region": "420112",
        "applicant": who.party("applicant"),
        "form": {"hukou_region": "420112", "bank_account": {"holder": who.name, "number": "6222020000000001234"}},
    }


def silence(host: Host, cases: set[UUID]) -> None:
    """The handler of these cases says nothing to a withdrawal; it is asked, and may still decide."""
    routes: Any = host.services["elderly"].spec.handlers
    route = routes[WithdrawalRequested]

    def handle(state: Any, message: Any, ctx: Any) -> Any:
        return Changes(state) if message.case_id in cases else route.handler(state, message, ctx)

    routes[WithdrawalRequested] = replace(route, handler=handle)


async def decide_late(host: Host, application: dict[str, Any]) -> None:
    """The handler that had said nothing grants it after all, if it was ever asked (a planted loss may have hit that)."""
    case, item = UUID(application["case_id"]), UUID(application["items"][0]["id"])
    state = await host.services["elderly"].load("item", item)
    if state is None or f"{ANSWERS}/{item}" not in state.out:
        return
    place = state.out[f"{ANSWERS}/{item}"] + 1
    decided = ItemDecided(
        item_id=item,
        case_id=case,
        round=1,
        outcome=Decision.APPROVED,
        reason_code="CONDITIONS_MET",
        law="",
        decided_at=host.clock.now(),
    )
    envelope = Envelope(
        id=event_id(ANSWERS, str(item), place),
        type=type_of("elderly", ItemDecided),
        source="/onewindow/elderly",
        time=host.clock.now(),
        topic=ANSWERS,
        key=str(case),
        aggregateid=str(item),
        streamversion=place,
        data=decided.model_dump_json(exclude_none=True).encode(),
        caseid=str(case),
    )
    await host.bus.publish([envelope])


async def work(host: Host, client: Client) -> None:
    """Hands in, withdraws, lets the time-outs come, reads what came of it, and decides too late."""
    bodies = [three_stops(n, host) for n in range(STOPS)] + [allowance(n) for n in range(AGREED + SILENT)]
    received = await asyncio.gather(*(client.hand_in(f"case-{n}", body) for n, body in enumerate(bodies)))
    await client.done()
    withdrawn = received[STOPS:]
    silence(host, {UUID(one["case_id"]) for one in withdrawn[AGREED:]})
    await asyncio.gather(*map(client.withdraw, withdrawn))
    await client.done(hours=25)
    await client.look(received)
    for application in withdrawn[AGREED:]:
        await decide_late(host, application)
    await client.done()


async def main(plant: str, dsn: str, keys: str, client: str, bus: str = "embedded") -> None:
    """One run with one thing broken."""
    PLANTS[plant]()
    made = OutboxHost if plant == "lost_rows" else Host
    host = made(load_settings(database_url=dsn, keys=Path(keys), demo=True, bus=bus, clock=f"virtual:{NOW}@1"))
    with ClientLog(Path(client)) as log:
        async with host.running(), Hosted(host).client("clerk") as http:
            await work(host, Client(http, log))
            log.rest()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
