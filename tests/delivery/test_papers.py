"""Issuing, sealing and telling: whatever one paper, message or provider does, the others go on, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from services.intake.domain.messages.telling import PROGRESS
from services.intake.domain.model import Application
from services.intake.domain.papers.making import receipt
from services.intake.domain.papers.model import Correction, Moment
from services.intake.domain.sealing import seal
from services.intake.store import issuing, sealing, sending, worker
from services.intake.tables import MESSAGE
from shared.catalog.protocol import CorrectionDelivered
from shared.changes import Changes, Put
from shared.clock import beijing_date
from shared.config import Settings
from shared.delivery.service import RunningService
from shared.messages import derived_id
from shared.messaging.port import Fate, Outgoing, Sent
from shared.runtime.host import Host
from shared.seals import SealMark, ToSeal
from tests.support.database import Server, eventually
from tests.support.received import NOW, received, submission

PARTIES = submission()


class Messenger:
    """Takes everything, or does what a test says; `given` is what it was handed, in order."""

    def __init__(self) -> None:
        self.given: list[Outgoing] = []
        self.does: Callable[[Sequence[Outgoing]], Any] | None = None

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Sent]:
        self.given += messages
        if self.does is not None:
            found: Sequence[Sent] = await self.does(messages)
            return found
        return [Sent(Fate.SENT, "test", "T-1")] * len(messages)


class Sealing:
    """A seal service outside that fails whenever it is handed one of `bad`."""

    at_hand = False

    def __init__(self) -> None:
        self.bad: set[UUID] = set()
        self.asked = 0

    async def seal(self, papers: Sequence[ToSeal]) -> Sequence[SealMark | None]:
        self.asked += 1
        if any(paper.paper_id in self.bad for paper in papers):
            raise ValueError("planted")
        return [SealMark("test", f"S-{paper.digest[:8]}") for paper in papers]


@pytest_asyncio.fixture
async def service(server: Server, tmp_path: Path) -> AsyncIterator[RunningService]:
    """Intake with providers of the test's own; none of its workers runs."""
    settings = Settings(
        database_url=await server.new_database(), keys=tmp_path / "keys", clock=f"fixed:{NOW.isoformat()}"
    )
    host = Host(settings, ["intake"])
    async with host.running():
        await host.supervisor.stop()
        made = host.services["intake"]
        made.messenger, made.seals = Messenger(), Sealing()
        commands = asyncio.create_task(made.commands.serve())
        yield made
        commands.cancel()
        await asyncio.gather(commands, return_exceptions=True)


def case_id(n: int) -> UUID:
    return derived_id("papers", n)


async def hand_in(service: RunningService, n: int, held: str | None = None, **said: Any) -> None:
    """An application with its receipt to be issued and news that waits for it."""
    state: Application = received().state
    state.id, state.application_no, state.version = case_id(n), f"no-{n:04d}", 0
    parts = {"parties": {"applicant": PARTIES["applicant"] | said}, "form": PARTIES["form"]}
    state.submission = seal(service.keyring, state.id, None, state.sealed_round, parts)
    at = NOW - timedelta(minutes=60 - n)
    news = {"case_id": state.id, "topic": PROGRESS, "made_at": at, "due_at": at}
    message = Put(MESSAGE, {**news, "state": "waiting", "tries": 0, "lease_until": None})
    paper = receipt(state)
    paper.values.update(made_at=at, held=held)
    await service.command(
        "application", state.id, lambda *_: (Changes(state, puts=[paper, message]), None), actor="test"
    )


async def rows(service: RunningService, sql: str, *values: Any) -> list[Any]:
    async with service.db.connection() as conn:
        return [tuple(row) for row in await conn.fetch(sql, *values)]


async def execute(service: RunningService, sql: str, *values: Any) -> None:
    async with service.db.connection() as conn:
        await conn.execute(sql, *values)


async def states(service: RunningService) -> list[str]:
    return [state for (state,) in await rows(service, "SELECT state FROM intake.message ORDER BY made_at")]


async def issued(service: RunningService) -> list[str]:
    """What became of the papers, the oldest first: issued, or why not."""
    return [
        "issued" if number else held or "waits"
        for number, held in await rows(service, "SELECT number, held FROM intake.paper ORDER BY made_at")
    ]


# --- one that is bad --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE intake.paper SET moment = '{\"items\": 1}' WHERE case_id = $1",
        "UPDATE intake.application SET body = jsonb_set(body::jsonb, '{channel}', '\"of later\"')::json WHERE id = $1",
    ],
    ids=["the paper", "its application"],
)
async def test_a_paper_that_cannot_be_read_is_held_and_the_others_are_issued(
    service: RunningService, damage: str
) -> None:
    """A copy of an older release may meet what a newer one wrote: that must not stop every paper of every case."""
    for n in range(3):
        await hand_in(service, n)
    await execute(service, damage, case_id(0))
    await issuing.issue_each(service)
    assert await issued(service) == ["FAULT", "issued", "issued"]
    numbers = await rows(service, "SELECT number FROM intake.paper WHERE number IS NOT NULL ORDER BY made_at")
    assert [number.rpartition("〕")[2] for (number,) in numbers] == ["1号", "2号"], "no number went with the bad one"


async def test_a_message_that_cannot_be_built_waits_and_the_others_go_out(service: RunningService) -> None:
    for n in range(3):
        await hand_in(service, n)
    await issuing.issue_each(service)
    sealed = "UPDATE intake.application SET body = jsonb_set(body::jsonb, '{submission,nonce}', '\"AAAA\"')::json"
    await execute(service, f"{sealed} WHERE id = $1", case_id(0))
    await sending.send(service)
    assert await states(service) == ["waiting", "sent", "sent"]


async def test_a_visit_that_cannot_be_opened_waits_and_the_others_go_out(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hand_in(service, 0, phone=None)
    await hand_in(service, 1)
    await execute(
        service, "UPDATE intake.application SET body = jsonb_set(body::jsonb,'{accept_region}','\"420112001001\"')"
    )
    await issuing.issue_each(service)

    def fails(*_: Any) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(sending, "open_visit", fails)
    await sending.send(service)
    assert await states(service) == ["waiting", "sent"]
    ((tries, due),) = await rows(service, "SELECT tries, due_at FROM intake.message WHERE state = 'waiting'")
    assert (tries, due) == (1, NOW + sending.RETRY_FIRST)


async def test_a_messenger_that_answers_for_too_few_has_sent_none_for_certain(service: RunningService) -> None:
    async def one(messages: Sequence[Outgoing]) -> Sequence[Sent]:
        return [Sent(Fate.SENT)]

    for n in range(2):
        await hand_in(service, n)
    await issuing.issue_each(service)
    service.messenger.does = one
    await sending.send(service)
    assert await states(service) == ["waiting", "waiting"]


async def test_a_paper_that_the_seal_service_fails_for_keeps_no_other_unsealed(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST", 3)
    for n in range(7):
        await hand_in(service, n)
    await issuing.issue_each(service)
    seals: Any = service.seals
    ids = [one for (one,) in await rows(service, "SELECT id FROM intake.paper ORDER BY made_at")]
    seals.bad = {ids[0], ids[1]}  # both at the head of a page: it looks as if the service were away
    await execute(service, "UPDATE intake.paper SET content = replace(content, 'A256GCM', 'SM4') WHERE id = $1", ids[3])
    after = None
    for _ in range(6):
        after = await sealing.seal_waiting(service, after)
    waits = {one for (one,) in await rows(service, "SELECT id FROM intake.paper WHERE unsealed")}
    assert waits == {ids[0], ids[1], ids[2], ids[3]}
    seals.bad = {ids[0]}
    assert await sealing.seal_waiting(service, None)
    waits = {one for (one,) in await rows(service, "SELECT id FROM intake.paper WHERE unsealed")}
    assert waits == {ids[0], ids[3]}
    given = await rows(
        service, "SELECT count(*), count(DISTINCT paper_id) FROM intake.paper_signature WHERE method = 'seal'"
    )
    assert given == [(5, 5)]


# --- one that is slow -------------------------------------------------------------------------------------------------


async def test_papers_are_issued_and_sealed_while_a_messenger_does_not_come_back(service: RunningService) -> None:
    never = asyncio.Event()

    async def hang(_: Sequence[Outgoing]) -> Sequence[Sent]:
        await never.wait()
        return []

    service.messenger.does = hang
    workers = [asyncio.create_task(work(service)) for work in service.spec.workers[:-1]]
    await hand_in(service, 0)
    await eventually(lambda: bool(service.messenger.given), "the messenger to be asked")
    await hand_in(service, 1)

    async def done() -> bool:
        return await rows(service, "SELECT count(*) FROM intake.paper WHERE number IS NOT NULL AND NOT unsealed") == [
            (2,)
        ]

    try:
        await eventually(done, "the second paper")
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def test_what_another_copy_told_meanwhile_stays_told(service: RunningService) -> None:
    """A copy that stands still beyond its lease wakes up, and its messenger no longer answers it."""
    await hand_in(service, 0)
    await issuing.issue_each(service)

    async def meanwhile(_: Sequence[Outgoing]) -> Sequence[Sent]:
        await execute(service, "UPDATE intake.message SET lease_until = clock_timestamp() - interval '1 s'")
        service.messenger.does = None
        await sending.send(service)
        raise ConnectionError("planted")

    service.messenger.does = meanwhile
    await sending.send(service)
    assert await states(service) == ["sent"]
    assert await rows(service, "SELECT fate FROM intake.message_attempt") == [("sent",)]
    assert len({m.id for m in service.messenger.given}) == 1


async def test_a_lease_of_a_clock_that_ran_ahead_ends_like_any_other(service: RunningService) -> None:
    """After a fail-over the database's clock may be behind the one that gave the lease out."""
    await hand_in(service, 0)
    await issuing.issue_each(service)
    await execute(service, "UPDATE intake.message SET lease_until = clock_timestamp() + interval '1 hour'")
    await sending.send(service)
    assert await states(service) == ["sent"]


async def test_what_was_held_is_tried_again_without_a_restart(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HELD_SECONDS", 0.0)
    await hand_in(service, 0)
    released = asyncio.create_task(worker.papers(service))

    async def done() -> bool:
        return set(await issued(service)) == {"issued"}

    try:
        await eventually(done, "the paper")
        await hand_in(service, 1, held="FAULT")
        await eventually(done, "the paper that was held")
    finally:
        released.cancel()
        await asyncio.gather(released, return_exceptions=True)


async def test_a_correction_that_reaches_its_applicant_days_later_is_answered_from_that_day(
    service: RunningService,
) -> None:
    """The messenger was away: the days to answer run from the delivery, and the coordinator is told so, once a delivery;
    of one on the day of issue too, for only what was delivered ends for want of an answer."""
    await hand_in(service, 0)
    await issuing.issue_each(service)
    told = Moment(items=received().state.items, correction=Correction(number=1)).model_dump_json()
    day = beijing_date(NOW)
    for made_at, delivered_on in ((NOW - timedelta(days=3), [day]), (NOW - timedelta(minutes=5), [day, day])):
        await execute(service, "UPDATE intake.paper SET kind = 'correction', moment = $1, made_at = $2", told, made_at)
        await execute(service, "UPDATE intake.message SET state = 'waiting', made_at = $1", NOW - timedelta(minutes=1))
        await sending.send(service)
        assert await states(service) == ["sent"]
        assert await rows(service, "SELECT method, takes_effect FROM intake.paper_delivery WHERE effective") == [
            ("electronic", NOW)
        ]
        found = await rows(
            service,
            "SELECT data FROM bus.record WHERE headers->>'type' LIKE '%.CorrectionDelivered.%'",
        )
        assert [CorrectionDelivered.model_validate_json(data).delivered_on for (data,) in found] == delivered_on
        await execute(service, "DELETE FROM intake.paper_delivery")
