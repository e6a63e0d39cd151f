"""The demonstration as the host loads it: accounts and units, simulated sources, `/api/dev`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import answers
from demo.dev import dev_router
from shared.clock import Clock, SystemClock, beijing_date
from shared.entries import read_yaml
from shared.facts.simulator import insert_simulated
from shared.outcomes import FactStatus
from shared.person_index import PersonIndex

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.facts.port import FactAnswer, Question
    from shared.runtime.host import Host

FOLDER = Path(__file__).parent


class Plugin:
    """What the demonstration brings to one host."""

    def __init__(self) -> None:
        self._clock: Clock = SystemClock()

    async def seed(self, host: Host) -> None:
        """Units and accounts where access is hosted, and the people of `facts.yaml`; once however often it is called."""
        self._clock = host.clock
        access = host.services.get("access")
        if access is not None:
            from services.access.store.seed import seed

            await seed(access, read("units.yaml")["units"], read("accounts.yaml")["accounts"])
        await seed_facts(host, read("facts.yaml")["facts"])

    def answer(self, question: Question) -> FactAnswer | None:
        """What a simulated source says of a person nobody has described."""
        return answers.answer(question, beijing_date(self._clock.now()))

    def router(self, host: Host) -> APIRouter:
        """Routes under `/api/dev`."""
        return dev_router(host)


def read(name: str) -> Any:
    """One of the demonstration's own lists."""
    return read_yaml(FOLDER / name)


async def seed_facts(host: Host, rows: list[dict[str, Any]]) -> None:
    """Has the sources say what the rows say."""
    index = PersonIndex(host.keyring.index_key)
    async with host.db.transaction(None) as conn:
        for row in rows:
            await insert_simulated(
                conn,
                index,
                source=row["source"],
                about={"person": row["person"]},
                status=FactStatus(row["status"]),
                data=row.get("data"),
                source_no=row.get("source_no"),
                silent_times=row.get("silent_times", 0),
            )
