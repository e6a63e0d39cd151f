"""The three workers every service has beside its consumer: relay, timers, asks.

Each waits for news of its own process, and looks by itself now and then for what another process left. All are safe
to run in several copies: the relay by an advisory lock, timers by the row that firing removes, asks by a lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import structlog

from shared.changes import Answer, Ctx, Timer
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.db.unit_of_work import Entry
from shared.errors import Transient
from shared.facts.port import FactAnswer, Question
from shared.failpoints import hit
from shared.metrics import METRICS
from shared.outcomes import FactStatus

if TYPE_CHECKING:
    from shared.runtime.service import RunningService

log = structlog.get_logger("onewindow.workers")
MOST = 256
LOOK_SECONDS = 1.0
ASK_LEASE_SECONDS = 30
RETRY_FIRST = timedelta(seconds=5)
RETRY_MOST = timedelta(minutes=10)


async def wait_for(news: asyncio.Event, seconds: float) -> None:
    """Waits for news, at most so many seconds of real time, and takes the news."""
    # Not `asyncio.wait_for`: on 3.11 it swallows a cancellation that meets the event, and a worker would never end.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.001, seconds)):
            await news.wait()
    news.clear()


async def relay(service: RunningService) -> None:
    """Moves the service's outbox to the bus, oldest first, for ever."""
    schema = service.spec.name
    while True:
        hit("relay.before_publish")
        moved = await service.bus.relay(schema, MOST)
        if moved:
            hit("relay.after_publish")
            METRICS.relayed.labels(schema).inc(moved)
        if moved < MOST:
            await wait_for(service.news.outbox, LOOK_SECONDS)


async def timers(service: RunningService) -> None:
    """Fires due timers, each once, in its aggregate's own transaction, for ever."""
    table, role = qualified(service.spec.delivery.timer), role_of(service.spec.name)
    while True:
        now = service.clock.now()
        async with service.db.transaction(role, read_only=True) as conn:
            rows = await conn.fetch(
                f"SELECT id, kind, aggregate_id, name, due_at, data FROM {table} ORDER BY due_at, id LIMIT $1",
                MOST,
            )
        due = [row for row in rows if row["due_at"] <= now]
        if due:
            hit("timer.before")
            await apply_each(service, [_timer_entry(service, row) for row in due])
        if len(due) < MOST:
            ahead = [(row["due_at"] - now).total_seconds() for row in rows if row["due_at"] > now]
            await wait_for(service.news.timers, min([LOOK_SECONDS, *ahead]))


def _timer_entry(service: RunningService, row: Mapping[str, Any]) -> Entry:
    handler = service.local_handler(row["kind"], f"timer:{row['name']}")
    fired = Timer(row["name"], orjson.loads(row["data"]))
    return Entry(
        row["kind"],
        row["aggregate_id"],
        lambda state, ctx: (handler(state, fired, ctx), None),
        f"timer:{row['name']}",
        consumes=("timer", row["id"]),
    )


async def apply_each(service: RunningService, entries: Sequence[Entry]) -> None:
    """Applies entries together, and one by one when that fails; one that fails alone is logged and stays due."""
    try:
        await service.unit_of_work.apply(entries)
    except Transient:
        raise
    except Exception:  # noqa: BLE001 — whose fault it is shows one by one
        for entry in entries:
            await _apply_alone(service, entry)


async def _apply_alone(service: RunningService, entry: Entry) -> None:
    try:
        await service.unit_of_work.apply([entry])
    except Transient:
        raise
    except Exception as cause:  # one bad row must not stop the others; the sweeper finds it
        log.exception("local_message_failed", service=service.spec.name, action=entry.action, cause=type(cause).__name__)
        await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class _Open:
    id: UUID
    kind: str
    aggregate_id: UUID
    name: str
    source: str
    tries: int
    question: Mapping[str, Any]


async def asks(service: RunningService) -> None:
    """Puts open questions to their sources and brings each answer back once, for ever."""
    while True:
        claimed = await _claim(service)
        if claimed:
            hit("ask.before")
            answered = await _answers(service, claimed)
            hit("ask.after")
            await _bring_back(service, answered)
        if len(claimed) < MOST:
            await wait_for(service.news.asks, LOOK_SECONDS)


async def _claim(service: RunningService) -> list[_Open]:
    table = qualified(service.spec.delivery.ask)
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        # A lease lost in a crash is only asked again; nothing is in doubt until a question with an effect is put.
        rows = await conn.fetch(
            f"UPDATE {table} SET tries = tries + 1, state = CASE WHEN effect THEN 'in_doubt' ELSE state END,"
            " lease_until = clock_timestamp() + make_interval(secs => $3) WHERE id IN"
            f" (SELECT id FROM {table} WHERE state IN ('open', 'in_doubt') AND next_try_at <= $1"
            " AND (lease_until IS NULL OR lease_until < clock_timestamp()) ORDER BY next_try_at, id LIMIT $2"
            " FOR UPDATE SKIP LOCKED) RETURNING id, kind, aggregate_id, name, source, tries, question, effect",
            service.clock.now(),
            MOST,
            float(ASK_LEASE_SECONDS),
        )
        if not any(row["effect"] for row in rows):
            await conn.execute("SET LOCAL synchronous_commit = off")
    return [_opened(service, row) for row in rows]


def _opened(service: RunningService, row: Mapping[str, Any]) -> _Open:
    names = ("id", "kind", "aggregate_id", "name", "source", "tries")
    return _Open(**{name: row[name] for name in names}, question=service.unseal(row["question"]))


async def _answers(service: RunningService, claimed: Sequence[_Open]) -> list[tuple[_Open, FactAnswer]]:
    by_source: dict[str, list[_Open]] = defaultdict(list)
    for ask in claimed:
        by_source[ask.source].append(ask)
    parts = await asyncio.gather(*(_ask_source(service, s, group) for s, group in by_source.items()))
    return [pair for part in parts for pair in part]


async def _ask_source(service: RunningService, source: str, group: Sequence[_Open]) -> list[tuple[_Open, FactAnswer]]:
    questions = [Question(a.id, a.source, a.question, str(a.id)) for a in group]
    try:
        answers = await service.answer(source, questions)
    except Exception as cause:  # noqa: BLE001 — a source that fails is silent: the item waits, visibly, and it is asked again
        log.warning("source_failed", source=source, cause=repr(cause)[:200])
        answers = [FactAnswer(FactStatus.SILENT, {}, source)] * len(group)
    for answer in answers:
        METRICS.asked.labels(source, str(answer.status)).inc()
    return list(zip(group, answers, strict=True))


async def _bring_back(service: RunningService, answered: Sequence[tuple[_Open, FactAnswer]]) -> None:
    silent = [ask for ask, answer in answered if answer.status == FactStatus.SILENT]
    # Silence is told once; the question stays open and is put again later.
    told = [_answer_entry(service, ask, a) for ask, a in answered if a.status != FactStatus.SILENT or ask.tries == 1]
    if told:
        await apply_each(service, told)
    if silent:
        await _put_off(service, silent)


async def _put_off(service: RunningService, silent: Sequence[_Open]) -> None:
    table = qualified(service.spec.delivery.ask)
    now = service.clock.now()
    later = [now + min(RETRY_MOST, RETRY_FIRST * 2 ** min(ask.tries - 1, 10)) for ask in silent]
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        await conn.execute(
            f"UPDATE {table} k SET lease_until = NULL, next_try_at = t.at"
            " FROM unnest($1::uuid[], $2::timestamptz[]) AS t(id, at) WHERE k.id = t.id",
            [ask.id for ask in silent],
            later,
        )


def _answer_entry(service: RunningService, ask: _Open, found: FactAnswer) -> Entry:
    handler = service.local_handler(ask.kind, f"answer:{ask.name}")
    answer = Answer(ask.name, str(found.status), found.data, found.source, found.source_no)

    def call(state: Any, ctx: Ctx) -> tuple[Any, None]:
        return handler(state, answer, ctx), None

    consumes = None if found.status == FactStatus.SILENT else ("ask", ask.id)
    return Entry(ask.kind, ask.aggregate_id, call, f"answer:{ask.name}", consumes=consumes)  # type: ignore[arg-type]
