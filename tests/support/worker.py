"""A platform in a process of its own that hands in numbered cases and waits until all are closed; made to be killed.

`python -m tests.support.worker DSN KEYS FIRST COUNT`: the same number is the same application under the same
idempotency key, so a run that was killed is simply started again.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import orjson

from demo.families import bereavement_application, invent_family
from services.intake.api.submission import submit
from shared.clock import beijing_date
from shared.config import load_settings
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
            answer = await submit(host.services["intake"], body, CLERK, key)
            found.append(UUID(str(answer["case_id"])))

    await asyncio.gather(*(submitter() for _ in range(AT_ONCE)))
    while True:
        async with host.db.connection() as conn:
            sql = "SELECT count(*) FROM intake.application WHERE id = ANY($1) AND status = 'closed'"
            if await conn.fetchval(sql, found) == count:
                return found
        await asyncio.sleep(0.05)


async def main(dsn: str, keys: str, first: int, count: int) -> None:
    """One run, under whatever failpoints the environment arms."""
    host = Host(load_settings(database_url=dsn, keys=Path(keys), demo=True, clock="fixed:2026-11-21T10:00:00+08:00"))
    async with host.running():
        await run(host, first, count)
    print("closed", count)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
