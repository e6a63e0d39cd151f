"""One thing of the platform broken on purpose, each by its name, so that whoever watches it can be seen to notice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from itertools import count
from typing import Any

from services.coordinator import handlers
from services.coordinator.domain import answers
from services.coordinator.domain.join import cancel
from shared.bus.port import Record
from shared.catalog.protocol import ItemDecided
from shared.db import documents
from shared.delivery import consumer, timers
from shared.delivery.hearing import Hearing
from shared.delivery.service import RunningService
from shared.delivery.unit_of_work import Entry, UnitOfWork
from shared.delivery.waiting import Local
from shared.delivery.writes import Writes
from shared.outcomes import ItemStatus

LOST_ROW_IN = 60
STOPS = 3
"""The results that end a case of three stops."""

COORDINATOR = "coordinator"


def lost_rows() -> None:
    """One row in sixty vanishes between the state and the outbox; which it was is printed once the state is there."""
    number, committed, rows = Writes.number, RunningService.committed, count(1)

    def forgetful(writes: Writes) -> None:
        number(writes)
        of_cases = [row for row in writes.outbox if "caseid" in row["headers"]]
        writes.lost = [row for row in of_cases if next(rows) % LOST_ROW_IN == 0]  # type: ignore[attr-defined]
        writes.outbox = [row for row in writes.outbox if row not in writes.lost]  # type: ignore[attr-defined]

    def told(service: RunningService, writes: Any) -> None:
        committed(service, writes)
        for row in writes.lost:
            print("lost", row["headers"]["caseid"], row["headers"]["type"], flush=True)

    Writes.number = forgetful  # type: ignore[assignment,method-assign]
    RunningService.committed = told  # type: ignore[assignment,method-assign]
    consumer.GAP_TRIES = 2  # nothing will ever fill these gaps: waiting for it only takes time


def no_version_check() -> None:
    """The coordinator is given every record twice, and does not look at the stream's version."""
    already, handle = UnitOfWork._already, Hearing.handle

    def never(unit: UnitOfWork, entry: Entry, *known: Any) -> bool:
        checked = entry.envelope is None or unit._spec.name != COORDINATOR
        return checked and already(unit, entry, *known)

    async def twice(hearing: Hearing, records: Sequence[Record]) -> None:
        times = 2 if hearing._service.spec.name == COORDINATOR else 1
        await handle(hearing, [record for record in records for _ in range(times)])

    UnitOfWork._already = never  # type: ignore[assignment,method-assign]
    Hearing.handle = twice  # type: ignore[assignment,method-assign]


def no_lock() -> None:
    """The coordinator loads a case without locking it, and its last three results are applied at one instant.

    They are held back until all three are there; each unit waits, once it has read the case, until the others have.
    """
    lock, handle = documents.lock, Hearing.handle
    held: dict[str, list[Record]] = defaultdict(list)
    meeting: ContextVar[asyncio.Barrier | None] = ContextVar("meeting", default=None)

    async def unlocked(conn: Any, kind: Any, ids: Any, held: Any) -> Any:
        found = await (documents.load(conn, kind, ids) if kind.name == "case" else lock(conn, kind, ids, held))
        barrier = meeting.get()
        if barrier is not None:
            meeting.set(None)
            await barrier.wait()
        return found

    async def alone(hearing: Hearing, record: Record, barrier: asyncio.Barrier) -> None:
        meeting.set(barrier)
        await handle(hearing, [record])

    async def at_once(hearing: Hearing, records: Sequence[Record]) -> None:
        mine = [r for r in records if hearing._service.spec.name == COORDINATOR and _by_rule(r)]
        await handle(hearing, [r for r in records if r not in mine])
        for record in mine:
            last = held[record.key]
            last.append(record)
            if len(last) == STOPS:
                barrier = asyncio.Barrier(len(last))
                await asyncio.gather(*(alone(hearing, r, barrier) for r in last))

    documents.lock = unlocked
    Hearing.handle = at_once  # type: ignore[assignment,method-assign]


def _by_rule(record: Record) -> bool:
    envelope = record.envelope()
    return envelope.name == "ItemDecided" and ItemDecided.model_validate_json(envelope.data).by_rule


def late_applied() -> None:
    """A decision that comes after its item is final is applied as if it had come in time."""
    record_late = answers.record_late

    def apply_late(turn: Any, item: Any, message: Any, reason_code: str = "") -> None:
        if isinstance(message, ItemDecided):
            answers._decided(turn, item, message)
        else:
            record_late(turn, item, message, reason_code)

    answers.record_late = apply_late


def timers_twice() -> None:
    """A timer's row is not used up by firing it, and what the coordinator does on it does not ask whether it was done.

    Without the second half nothing would be seen: a time-out of an item that is over changes nothing.
    """
    already, apply_each = UnitOfWork._already, timers.apply_each

    def never(unit: UnitOfWork, entry: Entry, *known: Any) -> bool:
        return already(unit, entry, *known) and entry.consumes is None

    async def twice(service: RunningService, entries: Sequence[Local]) -> None:
        await apply_each(service, [entry for entry in entries for _ in range(2)])

    def unasked(turn: Any, timer: Any) -> None:
        cancel(turn, _item(turn, timer), ItemStatus.WITHDRAWN, "APPLICANT_WITHDREW")

    UnitOfWork._already = never  # type: ignore[assignment,method-assign]
    timers.apply_each = twice
    handlers.on_no_answer = unasked


def _item(turn: Any, timer: Any) -> Any:
    return next(item for item in turn.case.items.values() if str(item.id) == timer.data["item_id"])


PLANTS: Mapping[str, Callable[[], None]] = {
    "nothing": lambda: None,
    **{plant.__name__: plant for plant in (lost_rows, no_version_check, no_lock, late_applied, timers_twice)},
}
"""By name; `nothing` is the platform as it is."""
