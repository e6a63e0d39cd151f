"""`/api/dev`: what only a demonstration may do, move the clock and have a source say something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.clock import as_utc
from shared.errors import Conflict, FieldError, Invalid
from shared.facts.simulator import insert_simulated
from shared.http.auth import Principal, allow
from shared.http.principal import STAFF_ROLES
from shared.messaging.simulator import SimulatedMessages
from shared.outcomes import FactStatus
from shared.person_index import PersonIndex

if TYPE_CHECKING:
    from shared.runtime.host import Host

Staff = Annotated[Principal, allow(*sorted(STAFF_ROLES))]


class Move(BaseModel):
    """Where the clock goes: to a moment, or forward by days, hours and minutes."""

    model_config = ConfigDict(extra="forbid")

    to: datetime | None = None
    days: Annotated[int, Field(ge=0, le=4000)] = 0
    hours: Annotated[int, Field(ge=0, le=96000)] = 0
    minutes: Annotated[int, Field(ge=0, le=6_000_000)] = 0

    def target(self, now: datetime) -> datetime:
        """The moment meant; `Invalid` for one without a zone."""
        if self.to is None:
            return now + timedelta(days=self.days, hours=self.hours, minutes=self.minutes)
        try:
            return as_utc(self.to)
        except ValueError as cause:
            message = "时刻须带时区,如 2026-11-21T09:00:00+08:00 / a moment needs its zone"
            raise Invalid([FieldError("/to", "FORMAT", message)]) from cause


class Fact(BaseModel):
    """What a source says from now on of `about` (shaped as the question to it: `person`, `person_ref` or `key`)."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    source: Annotated[str, Field(min_length=1, max_length=100)]
    about: dict[str, Any]
    status: FactStatus = FactStatus.CONFIRMED
    data: dict[str, Any] = Field(default_factory=dict)
    source_no: Annotated[str, Field(max_length=100)] | None = None
    available_at: datetime | None = None
    silent_times: Annotated[int, Field(ge=0, le=1000)] = 0

    @model_validator(mode="after")
    def _names_somebody(self) -> Fact:
        person = self.about.get("person")
        whole = isinstance(person, dict) and person.get("id_no") and person.get("id_type")
        if not (whole or self.about.get("person_ref") or self.about.get("key")):
            raise ValueError("about: person {id_type, id_no}, person_ref 或 key / person, person_ref or key")
        return self


def dev_router(host: Host) -> APIRouter:
    """The routes, over one host."""
    router = APIRouter()

    @router.get("/clock")
    async def clock(who: Staff) -> dict[str, str]:
        """The platform's business time."""
        return {"now": host.clock.now().isoformat()}

    @router.post("/clock")
    async def move_clock(move: Move, who: Staff) -> dict[str, str]:
        """Moves a virtual clock forward, from one due moment to the next, each when the work of the last is done."""
        if host.virtual_time is None:
            raise _not_virtual()
        moved = await host.virtual_time.move(move.target(host.clock.now()))
        return {"now": moved.isoformat()}

    @router.get("/messages")
    async def messages(about: str, who: Staff) -> dict[str, Any]:
        """What the simulated messenger was given about an application (its number), whom to masked."""
        found = await host.messenger.about(about) if isinstance(host.messenger, SimulatedMessages) else []
        return {"items": found, "next": None}

    @router.post("/facts", status_code=201)
    async def say(fact: Fact, who: Staff) -> dict[str, str]:
        """Has a source say this of somebody from now on; said again, it replaces what was said."""
        async with host.db.transaction(None) as conn:
            await insert_simulated(conn, PersonIndex(host.keyring.index_key), **_arguments(fact))
        return {"source": fact.source, "status": fact.status.value}

    return router


def _arguments(fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in Fact.model_fields}


def _not_virtual() -> Conflict:
    return Conflict(
        "CLOCK_NOT_VIRTUAL",
    )
