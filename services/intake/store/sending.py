"""Sends what applicants are to be told: claimed in batches, handed to the messenger under one id each, then recorded.

A crash between handing over and recording hands the same ids over again, which a messenger takes for the same messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from services.intake.domain.messages.telling import PROGRESS, message_id, text_of, way_to
from services.intake.domain.papers.deliver import CONSENT, PROOF
from services.intake.domain.papers.model import Filed
from services.intake.domain.papers.templates import internal
from services.intake.domain.sealing import unseal
from services.intake.domain.visits import VILLAGE_PROVIDER, open_visit
from services.intake.store import delivering
from services.intake.store.delivering import Undelivered
from services.intake.store.notes import note_batch
from services.intake.tables import MESSAGE_ATTEMPT, not_newer
from shared.db.documents import write_rows
from shared.db.engine import role_of
from shared.errors import NewerRelease, Transient
from shared.messaging.port import Fate, Outgoing, Sent, Way
from shared.precedence import Slices

if TYPE_CHECKING:
    import asyncpg

    from shared.changes import Changes, Ctx
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.messages")
MOST = 200
LEASE_SECONDS = 30.0
EXPIRES = timedelta(days=7)
"""News older than this is told no more when a messenger is connected at last: it would only surprise."""
RETRY_FIRST, RETRY_MOST = timedelta(seconds=30), timedelta(hours=1)
_FAR: Final = 12

_CLAIM = f"""
WITH claimed AS (
    UPDATE intake.message SET tries = tries + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
    WHERE (case_id, topic) IN (
        SELECT case_id, topic FROM intake.message m WHERE state = 'waiting' AND due_at <= $1
            AND (lease_until IS NULL OR lease_until < clock_timestamp()
                OR lease_until > clock_timestamp() + make_interval(secs => $3))
            AND NOT EXISTS (SELECT FROM intake.paper p
                WHERE p.case_id = m.case_id AND p.number IS NULL AND p.held IS NULL)
            AND {not_newer("m.case_id")}
        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING case_id, topic, made_at, tries)
SELECT c.*, a.body FROM claimed c JOIN intake.application a ON a.id = c.case_id ORDER BY c.made_at, c.case_id, c.topic
"""
# A lease that ends later than any could was given out by another machine's clock: the database has moved.
_RECORD = """
UPDATE intake.message m SET state = t.state, lease_until = NULL, due_at = coalesce(t.due, m.due_at)
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[]) AS t(case_id, topic, made_at, state, due)
WHERE m.case_id = t.case_id AND m.topic = t.topic AND m.made_at = t.made_at AND (m.state = 'waiting' OR t.state = 'sent')
RETURNING m.case_id, m.topic, m.made_at
"""
_COVER = """
UPDATE intake.message m SET state = 'covered' FROM unnest($1::uuid[], $2::timestamptz[]) AS t(case_id, made_at)
WHERE m.case_id = t.case_id AND m.topic = $3 AND m.state = 'waiting' AND m.made_at <= t.made_at
"""
_DELIVER = """
INSERT INTO intake.paper_delivery (id, paper_id, case_id, method, at, by, recorded_at, effective, takes_effect)
SELECT p.id, p.id, p.case_id, 'electronic', $3, 'system', $3, true, $3
FROM unnest($1::uuid[], $2::timestamptz[]) AS t(case_id, made_at) JOIN intake.paper p USING (case_id)
WHERE p.number IS NOT NULL AND p.kind <> ALL($4::text[]) AND p.made_at <= t.made_at
ON CONFLICT DO NOTHING
"""
_ANY = "SELECT EXISTS (SELECT FROM intake.message WHERE state = 'waiting' AND due_at <= $1)"
_EXPIRE = "UPDATE intake.message SET state = 'expired' WHERE state = 'waiting' AND made_at < $1"


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is being sent."""

    case_id: UUID
    topic: str
    made_at: datetime
    tries: int
    outgoing: Outgoing
    consent: bool
    """The applicant has agreed to electronic delivery, so that the news delivers what it tells of."""

    @property
    def key(self) -> tuple[UUID, str, datetime]:
        """Which message it is: what is said anew of a topic is another."""
        return self.case_id, self.topic, self.made_at

    @property
    def delivers(self) -> bool:
        """Whether sending it delivers the papers: it reaches a mobile of one who agreed."""
        return self.consent and self.outgoing.way is Way.TEXT


async def waiting(service: RunningService) -> bool:
    """Whether anything is due to be told."""
    async with service.read() as conn:
        return bool(await conn.fetchval(_ANY, service.clock.now()))


async def expire(service: RunningService) -> None:
    """Lets go of what nobody could send for too long."""
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        await conn.execute(_EXPIRE, service.clock.now() - EXPIRES)


async def send(service: RunningService) -> int:
    """Sends a batch of what is due; how many there were."""
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        rows = await conn.fetch(_CLAIM, service.clock.now(), MOST, LEASE_SECONDS)
    due, slices = [], Slices()
    for row in rows:
        if (one := _built(row, service)) is not None:
            due.append(one)
        await slices.give_way()
    if due:
        fates = await _hand_over(service, due)
        await _record(service, due, await _delivered(service, due, fates))
    return len(rows)


async def _delivered(service: RunningService, due: Sequence[Due], fates: Sequence[Sent]) -> list[Sent]:
    """The fates, once what hangs on the day of a delivery is told."""
    news = [(d.case_id, d.made_at) for d, fate in zip(due, fates, strict=True) if fate.fate is Fate.SENT and d.delivers]
    waiting = await delivering.undelivered(service, news)
    return [
        await _told(service, waiting.get((d.case_id, d.made_at), []), fate) if fate.fate is Fate.SENT else fate
        for d, fate in zip(due, fates, strict=True)
    ]


async def _told(service: RunningService, corrections: Sequence[Undelivered], fate: Sent) -> Sent:
    """Its fate; where a correction's delivery could not be told it waits, and is told with the next try."""
    try:
        for correction in corrections:
            await delivering.deliver(service, correction)
    except NewerRelease:  # a copy of that release tells it
        return Sent(Fate.WAITING, fate.provider, fate.provider_no)
    except Transient:
        raise
    except Exception as cause:
        log.exception("delivery_not_told", case_id=str(corrections[0].case_id), cause=type(cause).__name__)
        return Sent(Fate.WAITING, fate.provider, fate.provider_no)
    return fate


def _built(row: Mapping[str, Any], service: RunningService) -> Due | None:
    """The message as it goes out; None for one that cannot be built, as while a key has not come."""
    try:
        return _due(row, service)
    except Exception as cause:  # its lease ends by itself, and it keeps nobody else waiting
        log.exception("message_not_built", topic=row["topic"], cause=type(cause).__name__)
        return None


def _due(row: Mapping[str, Any], service: RunningService) -> Due:
    filed = Filed.model_validate_json(row["body"])
    submission = unseal(service.keyring, filed.id, None, filed.sealed_round, filed.submission)
    way, to = way_to(submission["parties"]["applicant"], filed.accept_region)
    identity = message_id(filed.id, row["topic"], row["made_at"])
    text = text_of(row["topic"], filed.application_no)
    outgoing = Outgoing(identity, way, to, text, about=filed.application_no)
    consent = submission["form"].get(CONSENT) is True
    return Due(filed.id, row["topic"], row["made_at"], row["tries"], outgoing, consent)


async def _hand_over(service: RunningService, due: Sequence[Due]) -> list[Sent]:
    visits = [d for d in due if d.outgoing.way is Way.VILLAGE_TASK]
    others = [d for d in due if d.outgoing.way is not Way.VILLAGE_TASK]
    fates: dict[UUID, Sent] = {}
    for one in visits:
        fates[one.outgoing.id] = await _visit(service, one)  # one by one: each is a unit of its own
    for one, sent in zip(others, await _send(service, others), strict=True):
        fates[one.outgoing.id] = sent
    return [fates[d.outgoing.id] for d in due]


async def _send(service: RunningService, due: Sequence[Due]) -> Sequence[Sent]:
    if not due:
        return []
    try:
        fates = await service.messenger.send([d.outgoing for d in due])
    except Exception as cause:  # noqa: BLE001 — a provider that fails leaves its messages waiting, visibly, and tried again
        log.warning("messenger_failed", cause=type(cause).__name__, messages=len(due))
        return [Sent(Fate.WAITING)] * len(due)
    if len(fates) != len(due):
        log.error("messenger_answers_amiss", messages=len(due), fates=len(fates))
        return [Sent(Fate.WAITING)] * len(due)
    return fates


async def _visit(service: RunningService, one: Due) -> Sent:
    def open_visit_task(state: Any, ctx: Ctx) -> tuple[Changes[Any] | None, None]:
        return open_visit(state, one.topic, ctx), None

    try:
        await service.command("application", one.case_id, open_visit_task, actor="system")
    except NewerRelease:  # a copy of that release opens it
        return Sent(Fate.WAITING, VILLAGE_PROVIDER)
    except Transient:
        raise
    except Exception as cause:  # as with a provider: this one waits, the others go out
        log.exception("visit_not_opened", case_id=str(one.case_id), cause=type(cause).__name__)
        return Sent(Fate.WAITING, VILLAGE_PROVIDER)
    return Sent(Fate.SENT, VILLAGE_PROVIDER)


async def _record(service: RunningService, due: Sequence[Due], fates: Sequence[Sent]) -> None:
    now = service.clock.now()
    pairs = list(zip(due, fates, strict=True))
    sent = [d for d, fate in pairs if fate.fate is Fate.SENT]
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        states = await conn.fetch(_RECORD, *_columns([_state(d, f, now) for d, f in pairs]))
        # Whoever stood still for longer than its lease may find it told by another: a failure is no news then.
        mine = {(row["case_id"], row["topic"], row["made_at"]) for row in states}
        tried = [_attempt(d, f, now) for d, f in pairs if f.fate is Fate.SENT or d.key in mine]
        if tried:
            await write_rows(conn, MESSAGE_ATTEMPT, tried, upsert=True)
        await _follow(conn, sent, now)
        await note_batch(service, conn, "send_messages", {"messages": [str(d.outgoing.id) for d in sent]})


async def _follow(conn: asyncpg.Connection, sent: Sequence[Due], now: datetime) -> None:
    """What else the news told of: gathered news of the same case, and the papers it delivers."""
    others = [(d.case_id, d.made_at) for d in sent if d.topic != PROGRESS]
    if others:
        await conn.execute(_COVER, *_columns(others), PROGRESS)
    news = [(d.case_id, d.made_at) for d in sent if d.delivers]
    if news:
        await conn.execute(_DELIVER, *_columns(news), now, [PROOF, *internal()])


def _attempt(d: Due, fate: Sent, now: datetime) -> dict[str, Any]:
    return {
        "case_id": d.case_id,
        "id": d.outgoing.id,
        "topic": d.topic,
        "way": d.outgoing.way.value,
        "at": now,
        "tries": d.tries,
        "fate": fate.fate.value,
        "provider": fate.provider,
        "provider_no": fate.provider_no,
    }


def _state(d: Due, fate: Sent, now: datetime) -> tuple[Any, ...]:
    wait = min(RETRY_MOST, RETRY_FIRST * 2 ** min(d.tries - 1, _FAR))
    due = now + wait if fate.fate is Fate.WAITING else None
    return d.case_id, d.topic, d.made_at, fate.fate.value, due


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
