"""A platform in a process of its own that hands in numbered cases and waits until all are closed; made to be killed.

`python -m tests.support.worker WHERE KEYS FIRST COUNT [outbox|kafka://…]`: WHERE is a database's address, or a folder
for a database server of its own; `outbox` has units go by outbox and relay, as with a bus that is elsewhere. The same number
is the same application under the same idempotency key, so a run that was killed is simply started again. It says
`started` and, at the end, `closed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from demo.families import bereavement_application, invent_family
from services.intake.api.submission import submit
from shared.bus.embedded import EmbeddedBus
from shared.bus.port import Bus
from shared.clock import beijing_date
from shared.config import load_settings
from shared.errors import Conflict, Transient
from shared.http.principal import Principal, RoleInUnit
from shared.runtime.host import Host

AT_ONCE = 16
STOPS = ("elderly.benefit_stop", "assistance.benefit_stop", "marriage.record_annotation")
CLERK = Principal("clerk", "张三", "staff", (RoleInUnit("clerk", "420112", "420112"),))


def three_stops(seed: int, host: Host) -> dict[str, object]:
    """The application of family `seed`, cut down to the three parallel stops."""
    today = beijing_date(host.clock.now())
    body = bereavement_application(invent_family(seed, today), today)
    form = {name: value for name, value in body["form"].items() if name in {"death", "payee", "electronic_delivery"}}
    return {**body, "matters": list(STOPS), "form": form, "materials": []}


async def run(host: Host, first: int, count: int) -> list[UUID]:
    """Hands the cases in and waits until intake shows each closed."""
    left = iter(range(first, first + count))
    found: list[UUID] = []

    async def submitter() -> None:
        for seed in left:
            body = three_stops(seed, host)
            key = ("clerk", "POST /api/intake/applications", f"case-{seed}", orjson.dumps(body))
            found.append(await handed_in(host, body, key))

    await asyncio.gather(*(submitter() for _ in range(AT_ONCE)))
    while not await all_closed(host, found):
        await asyncio.sleep(0.05)
    return found


async def handed_in(host: Host, body: Any, key: tuple[str, str, str, bytes]) -> UUID:
    """The case's id; a platform that is away for a moment (503) is asked again, as a client does."""
    while True:
        with contextlib.suppress(Transient, Conflict):
            answer = await submit(host.services["intake"], body, CLERK, key)
            return UUID(str(answer["case_id"]))
        await asyncio.sleep(0.2)


async def all_closed(host: Host, cases: list[UUID]) -> bool:
    """Whether intake shows each of these closed."""
    with contextlib.suppress(Transient):
        async with host.db.connection() as conn:
            sql = "SELECT count(*) FROM intake.application WHERE id = ANY($1) AND status = 'closed'"
            return bool(await conn.fetchval(sql, cases) == len(cases))
    return False


class OutboxHost(Host):
    """A host whose units do not append to the log themselves."""

    def _bus(self) -> Bus:
        return EmbeddedBus(self.db, self.presence, direct=False)


async def main(where: str, keys: str, first: int, count: int, mode: str = "") -> None:
    """One run, under whatever failpoints the environment arms."""
    place: dict[str, Any] = {"data": Path(where)} if where.startswith("/") else {"database_url": where}
    made = OutboxHost if mode == "outbox" else Host
    if mode.startswith("kafka://"):
        place["bus"] = mode
    host = made(load_settings(**place, keys=Path(keys), demo=True, clock="virtual:2026-11-21T10:00:00+08:00@1"))
    async with host.running():
        print("started", flush=True)
        await run(host, first, count)
    print("closed", count, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
