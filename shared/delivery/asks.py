"""Asks: questions to sources outside, put by a worker; each answer comes back to its aggregate once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import structlog

from shared.changes import Answer, Ctx
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.db.presence import gone
from shared.delivery.unit_of_work import Entry
from shared.delivery.waiting import LOOK_SECONDS, MOST, apply_each, wait_for
from shared.delivery.writes import ASK_LEASE_SECONDS
from shared.errors import Transient
from shared.facts.port import FactAnswer, Question
from shared.failpoints import hit
from shared.metrics import METRICS
from shared.outcomes import FactStatus

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.asks")
NAMES = ("id", "kind", "aggregate_id", "name", "source", "tries")
RETRY_FIRST = timedelta(seconds=5)
RETRY_MOST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Open:
    """One question under way."""

    id: UUID
    kind: str
    aggregate_id: UUID
    name: str
    source: str
    tries: int
    question: Mapping[str, Any]
    told: bool = False
    """Its silence was told before: it was put off since it was asked."""

    @classmethod
    def fresh(cls, row: Mapping[str, Any], question: Mapping[str, Any]) -> Self:
        """The question as it was just written."""
        return cls(**{name: row[name] for name in NAMES}, question=question)


async def asks(service: RunningService) -> None:
    """Puts open questions to their sources and brings each answer back once, for ever."""
    service.news.asks.set()
    while True:
        await wait_for(service.news.asks, LOOK_SECONDS)
        # Questions of this process were leased to it as they were written; the rest is looked for when none wait.
        under_way = service.news.take_asked() or await _claim(service)
        while under_way:
            try:
                await _put(service, under_way)
            except Transient:  # they are leased to this process, so nobody else would put them for a while
                service.news.asked[:0] = under_way
                raise
            more = len(under_way) >= MOST
            under_way = service.news.take_asked() or (await _claim(service) if more else [])


async def _put(service: RunningService, under_way: Sequence[Open]) -> None:
    hit("ask.before", service.spec.name)
    answered = await _answers(service, under_way)
    hit("ask.after", service.spec.name)
    await _bring_back(service, answered)


async def _claim(service: RunningService) -> list[Open]:
    """Takes open questions whose time has come and that nobody alive is putting."""
    table = qualified(service.spec.delivery.ask)
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        # A lease lost in a crash is only asked again; nothing is in doubt until a question with an effect is put.
        rows = await conn.fetch(
            f"UPDATE {table} SET tries = tries + 1, state = CASE WHEN effect THEN 'in_doubt' ELSE state END,"
            " owner = $4, lease_until = clock_timestamp() + make_interval(secs => $3) WHERE id IN"
            f" (SELECT id FROM {table} WHERE state IN ('open', 'in_doubt') AND next_try_at <= $1"
            f" AND (lease_until IS NULL OR lease_until < clock_timestamp() OR {gone('owner')}"
            " OR ($5 AND owner = $4)) AND aggregate_id <> ALL($6::uuid[])"
            " ORDER BY next_try_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, kind, aggregate_id, name, source, tries, question, effect, next_try_at > asked_at AS told",
            service.clock.now(),
            MOST,
            float(ASK_LEASE_SECONDS),
            service.presence.number,
            service.news.take_doubt(),
            list(service.newer.ids),
        )
        if rows and not any(row["effect"] for row in rows):
            await conn.execute("SET LOCAL synchronous_commit = off")
    return [ask for row in rows if (ask := _opened(service, row)) is not None]


def _opened(service: RunningService, row: Mapping[str, Any]) -> Open | None:
    try:
        question = service.unseal(row["question"], row["id"])
    except Exception as cause:  # it keeps its lease for a while, and none of the others waiting
        log.exception("question_not_opened", service=service.spec.name, cause=type(cause).__name__)
        service.failing.note(row["id"], row["kind"], row["aggregate_id"], f"ask:{row['name']}")
        return None
    return Open(**{name: row[name] for name in NAMES}, question=question, told=row["told"])


async def _answers(service: RunningService, claimed: Sequence[Open]) -> list[tuple[Open, FactAnswer]]:
    by_source: dict[str, list[Open]] = defaultdict(list)
    for ask in claimed:
        by_source[ask.source].append(ask)
    parts = await asyncio.gather(*(_ask_source(service, s, group) for s, group in by_source.items()))
    return [pair for part in parts for pair in part]


async def _ask_source(service: RunningService, source: str, group: Sequence[Open]) -> list[tuple[Open, FactAnswer]]:
    questions = [Question(a.id, a.source, a.question, str(a.id)) for a in group]
    try:
        answers = await service.answer(source, questions)
    except Exception as cause:  # noqa: BLE001 — a source that fails is silent: the item waits, visibly, and it is asked again
        log.warning("source_failed", source=source, cause=type(cause).__name__)
        answers = [FactAnswer(FactStatus.SILENT, {}, source)] * len(group)
    for answer in answers:
        METRICS.asked.labels(source, str(answer.status)).inc()
    return list(zip(group, answers, strict=True))


async def _bring_back(service: RunningService, answered: Sequence[tuple[Open, FactAnswer]]) -> None:
    silent = [ask for ask, answer in answered if answer.status == FactStatus.SILENT]
    # Silence is told once; the question stays open and is put again later.
    told = [
        (ask.id, _answer_entry(service, ask, answer))
        for ask, answer in answered
        if answer.status != FactStatus.SILENT or not ask.told
    ]
    if told:
        await apply_each(service, told)
    if silent:
        await _put_off(service, silent)
    if left := [ask.id for ask, _ in answered if ask.aggregate_id in service.newer.ids]:
        await _leave(service, left)


async def _leave(service: RunningService, questions: Sequence[UUID]) -> None:
    """Gives back questions whose answers only a copy of a newer release may take in: it puts them again, at once."""
    table = qualified(service.spec.delivery.ask)
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        await conn.execute(
            f"UPDATE {table} SET lease_until = NULL WHERE id = ANY($1) AND owner = $2",
            list(questions),
            service.presence.number,
        )


async def _put_off(service: RunningService, silent: Sequence[Open]) -> None:
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


def _answer_entry(service: RunningService, ask: Open, found: FactAnswer) -> Entry:
    action = f"answer:{ask.name}"
    answer = Answer(ask.name, str(found.status), found.data, found.source, found.source_no)

    def call(state: Any, ctx: Ctx) -> tuple[Any, None]:
        return service.local_handler(ask.kind, action)(state, answer, ctx), None

    consumes = None if found.status == FactStatus.SILENT else ("ask", ask.id)
    return Entry(ask.kind, ask.aggregate_id, call, action, consumes=consumes)  # type: ignore[arg-type]
