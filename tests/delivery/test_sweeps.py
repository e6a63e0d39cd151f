"""What looks for stuck cases finds each of them, however many others there are, and whatever one of them does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from services.coordinator import service as coordinator
from services.coordinator import store
from services.coordinator.domain.clocks import legal_calendar
from services.coordinator.domain.state import Fact
from services.coordinator.service import recount_all, sweep
from shared.bus.port import Lag
from shared.catalog.protocol import Due
from shared.changes import Changes
from shared.config import Settings
from shared.delivery import stuck
from shared.delivery.service import RunningService
from shared.outcomes import FactStatus
from shared.runtime.host import Host
from tests.delivery.test_last_results import case_id, opened
from tests.support.database import Server, eventually

A_LOOK, OTHERS = 20, 60
"""Cases of a page here, and how many more there are."""


@pytest_asyncio.fixture
async def service(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningService]:
    monkeypatch.setattr(store, "PAGE", A_LOOK, raising=False)
    settings = Settings(
        database_url=await server.new_database(), keys=tmp_path / "keys", clock="fixed:2026-11-21T10:00+08:00"
    )
    host = Host(settings, ["coordinator"])
    async with host.running():
        yield host.services["coordinator"]


async def cases(running: RunningService, numbers: Iterable[int], **items: Any) -> None:
    """Opens cases; every item of them is then as said."""
    numbers = list(numbers)
    await running.hearing.handle([opened(running, n) for n in numbers])

    def put(case: Any, ctx: Any) -> tuple[Any, None]:
        for item in case.items.values():
            for name, value in items.items():
                setattr(item, name, value)
        return Changes(case), None

    await asyncio.gather(*(running.command("case", case_id(n), put, actor="test") for n in numbers))


async def hanging(service: RunningService) -> set[UUID]:
    async with service.read() as conn:
        return {one.id for one in await store.hanging_cases(service, conn)}


async def test_a_case_in_nobodys_hands_is_seen_behind_any_number_that_wait_for_another(
    service: RunningService,
) -> None:
    """I6: what waits lawfully (here: a fact is not yet known) must not fill the look before what hangs comes."""
    fact = Fact(name="death_confirmed", since=service.clock.now())
    lost = max(range(OTHERS), key=case_id)
    await cases(service, range(OTHERS), unanswered_since=None, ready_round=0, facts=("death_confirmed",))

    def known(case: Any, ctx: Any) -> tuple[Any, None]:
        case.facts["death_confirmed"] = fact
        return Changes(case), None

    await asyncio.gather(*(service.command("case", case_id(n), known, actor="test") for n in range(OTHERS)))
    assert await hanging(service) == set()
    await service.command("case", case_id(lost), partial(_facts, FactStatus.CONFIRMED), actor="test")
    assert await hanging(service) == {case_id(lost)}


def _facts(status: FactStatus, case: Any, ctx: Any) -> tuple[Any, None]:
    for fact in case.facts.values():
        fact.status = status
    return Changes(case), None


async def test_silence_is_found_behind_any_number_of_cases_of_a_service_that_is_behind(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I6: a service that is away for a day leaves its own cases unanswered; those of another are still looked at."""
    early, late = service.clock.now() - timedelta(days=2), service.clock.now() - timedelta(days=1)
    await cases(service, range(OTHERS), unanswered_since=early, service="away")
    await cases(service, [OTHERS], unanswered_since=late)

    async def lag(group: str | None = None) -> list[Lag]:
        return [Lag("away", "onewindow.away.requests", 0, 0, OTHERS)]

    monkeypatch.setattr(service.bus, "lag", lag)
    assert await sweep(service) == 1
    assert await sweep(service) == 0


async def test_silence_is_found_on_a_bus_that_never_rests(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I6: under load something is always unread; what counts is whether what was sent then has been read since."""
    await cases(service, [0], unanswered_since=service.clock.now() - timedelta(days=1))
    topics = {"coordinator": "onewindow.funeral.answers"}
    topics |= {name: f"onewindow.{name}.requests" for name in service.catalog.services if name != "coordinator"}
    end = 0

    async def lag(group: str | None = None) -> list[Lag]:
        nonlocal end
        end += 10
        return [Lag(name, topic, 0, end - 1, end) for name, topic in topics.items()]

    monkeypatch.setattr(service.bus, "lag", lag)
    assert [await sweep(service) for _ in range(4)] == [0, 0, 1, 0]


async def test_what_hangs_is_told_on_a_bus_that_never_rests_and_not_before_what_was_sent_is_read(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "ELSEWHERE_SECONDS", 0.0)
    await cases(service, [0], unanswered_since=None)
    end = position = 0

    async def lag(group: str | None = None) -> list[Lag]:
        nonlocal end
        end += 10
        return [Lag("coordinator", "onewindow.funeral.answers", 0, position or end - 1, end)]

    monkeypatch.setattr(service.bus, "lag", lag)
    position = 5
    assert [await service.stuck.look() for _ in range(2)] == [[], []]
    position = 0
    assert [one["id"] for one in await service.stuck.look()] == [case_id(0)]


async def test_one_case_that_cannot_be_looked_at_keeps_nobody_from_the_next(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cases(service, range(3), unanswered_since=service.clock.now() - timedelta(days=1))
    for name in ("note_stuck", "recount"):
        monkeypatch.setattr(coordinator, name, partial(_fails_for, case_id(1), getattr(coordinator, name)))
    assert await sweep(service) == 2
    await cases_redated(service)
    assert await recount_all(service, legal_calendar()) == 2


async def cases_redated(service: RunningService) -> None:
    """All cases were dated with another calendar, provisionally."""

    def redate(case: Any, ctx: Any) -> tuple[Any, None]:
        case.calendar = "of old"
        for item in case.items.values():
            item.due = Due(promised=date(2027, 1, 4), provisional=True)
        return Changes(case), None

    await asyncio.gather(*(service.command("case", case_id(n), redate, actor="test") for n in range(3)))


def _fails_for(broken: UUID, does: Any, turn: Any, *more: Any) -> None:
    if turn.case.id == broken:
        raise RuntimeError("a defect of ours")
    does(turn, *more)


async def test_what_an_older_copy_dates_after_the_recount_is_dated_anew_too(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rolling release: the copy that knows the new calendar starts while another one still opens cases."""
    monkeypatch.setattr(coordinator, "AGAIN_SECONDS", 0.05, raising=False)
    await cases(service, range(3))
    recounting = asyncio.create_task(coordinator.recounter(service))

    async def dated() -> bool:
        async with service.read() as conn:
            return not await store.otherwise_dated(conn, legal_calendar().version, None)

    try:
        for _ in range(2):
            await cases_redated(service)
            await eventually(dated, "every case to be dated with this calendar")
    finally:
        recounting.cancel()
        await asyncio.gather(recounting, return_exceptions=True)
