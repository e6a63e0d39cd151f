"""What is read of intake's tables beside whole documents, and the two things kept in memory: numbers, definitions."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson

from services.intake.domain import commitment, tolerance
from services.intake.domain.messages.lines import attempt
from services.intake.domain.whose import keys_of
from services.intake.store.papers import attempts_of
from services.intake.tables import APPLICATION, DEFINITION, DELIVERY, TASK
from shared.application_no import make_application_no
from shared.catalog.definition import definition
from shared.changes import Put
from shared.clock import beijing_date, monotonic
from shared.db.documents import shown
from shared.handling.stuck import movers
from shared.outcomes import ApplicationStatus
from shared.spec import Hanging

if TYPE_CHECKING:
    import asyncpg

    from services.intake.domain.check import Checked
    from services.intake.domain.model import Application
    from services.intake.domain.timeline import Line
    from shared.catalog.model import Matter
    from shared.catalog.registry import Catalog
    from shared.spec import ServiceHandle

ENDED = (
    ApplicationStatus.CLOSED,
    ApplicationStatus.NOT_ACCEPTED,
    ApplicationStatus.WITHDRAWN,
    ApplicationStatus.TERMINATED,
)
BLOCK = 50
"""Sequence numbers taken at once; those not used before a restart are gaps, which the contract allows."""

BARRED_SECONDS = 5.0
"""Real time for which it is remembered who may commit to nothing."""


@dataclass
class Desk:
    """What one process keeps of a running intake: number blocks a region and day, definitions made and stored."""

    numbers: dict[tuple[str, date], list[int]] = field(default_factory=dict)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    definitions: dict[tuple[str | None, tuple[str, ...]], tuple[str, bytes]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    barred: frozenset[str] = frozenset()
    barred_at: float = -BARRED_SECONDS

    def definition_of(self, catalog: Catalog, checked: Checked) -> tuple[str, bytes]:
        """The definition under which these matters are handled: its SHA-256 and bytes, made once."""
        key = (checked.submission.bundle, tuple(m.code for m in checked.matters))
        if key not in self.definitions:
            self.definitions[key] = definition(catalog, checked.matters, checked.submission.bundle)
        return self.definitions[key]

    def definition_rows(self, sha: str, body: bytes, on: date) -> list[Put]:
        """The definition's row, unless this process has seen it committed (a row rewritten by all would queue them)."""
        if sha in self.stored:
            return []
        return [Put(DEFINITION, {"sha": sha, "body": orjson.loads(body), "effective": on}, upsert=True)]


_DESKS: WeakKeyDictionary[Any, Desk] = WeakKeyDictionary()


def desk(handle: ServiceHandle) -> Desk:
    """The desk of this running service."""
    return _DESKS.setdefault(handle, Desk())


_TAKE = """
INSERT INTO intake.sequence AS s (region, day, last) VALUES ($1, $2, $3)
ON CONFLICT (region, day) DO UPDATE SET last = s.last + $3 RETURNING last
"""


async def next_number(handle: ServiceHandle, region: str, received_at: datetime, channel: str) -> str:
    """A fresh application number, from a block of the region and Beijing day that this process holds."""
    place = (region[:6], beijing_date(received_at))
    kept = desk(handle)
    held = kept.numbers.setdefault(place, [])
    while not held:
        async with kept.taking:  # else each of those who come meanwhile would take a block, one after the other
            if not held:
                async with handle.write("system") as conn:
                    last = await conn.fetchval(_TAKE, *place, BLOCK)
                held.extend(range(last, last - BLOCK, -1))
    return make_application_no(place[0], place[1], channel, held.pop())


async def find(handle: ServiceHandle, number: str) -> Application | None:
    """The application of a number, or None."""
    async with handle.read() as conn:
        row = await conn.fetchrow("SELECT body, release FROM intake.application WHERE application_no = $1", number)
    return None if row is None else shown(APPLICATION, row)


async def timeline(handle: ServiceHandle, case_id: UUID) -> list[dict[str, Any]]:
    """What happened, oldest first, and between it what the applicant was told and how."""
    sql = "SELECT at, kind, text_zh, text_en FROM intake.timeline WHERE case_id = $1 ORDER BY seq"
    async with handle.read() as conn:
        lines = [dict(row) for row in await conn.fetch(sql, case_id)]
    told = [
        {"at": at, "kind": line.kind, "text_zh": line.zh, "text_en": line.en}
        for at, line in await _told(handle, case_id)
    ]
    return [{"seq": n, **line, "at": line["at"].isoformat()} for n, line in enumerate(merged(lines, told), 1)]


def merged(lines: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A case's own lines in their order, whatever the clocks of the processes that wrote them; between them, by time,
    what was told: of one moment the case's own come first."""
    moments = accumulate((line["at"] for line in lines), max)
    placed = [*zip(moments, lines, strict=True), *((line["at"], line) for line in told)]
    return [line for _, line in sorted(placed, key=lambda one: one[0])]


async def _told(handle: ServiceHandle, case_id: UUID) -> list[tuple[datetime, Line]]:
    return [(row["at"], attempt(row["way"], row["tries"], row["fate"])) for row in await attempts_of(handle, case_id)]


async def granted(handle: ServiceHandle, refs: Sequence[str], matters: Collection[str]) -> set[str]:
    """Which of these matters were granted to one of these people before."""
    sql = "SELECT DISTINCT matter FROM intake.holding WHERE whose = ANY($1) AND matter = ANY($2) AND state = 'granted'"
    async with handle.read() as conn:
        return {row["matter"] for row in await conn.fetch(sql, list(refs), list(matters))}


async def existing(handle: ServiceHandle, keys: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The holdings (`matter`, `whose`) that stand in the way, each with its application's number and applicant."""
    sql = (
        "SELECT h.matter, h.application_no, a.applicant_ref, a.region FROM unnest($1::text[], $2::text[])"
        " AS k(matter, whose) JOIN intake.holding h USING (matter, whose)"
        " JOIN intake.application a ON a.id = h.case_id WHERE h.blocks ORDER BY h.application_no, h.matter"
    )
    async with handle.read() as conn:
        rows = await conn.fetch(sql, [m for m, _ in keys], [w for _, w in keys])
    return [dict(row) for row in rows]


def holding_keys(matters: Sequence[Matter], refs: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The (matter, whose) under which an equal application would be found."""
    return [(m.code, key) for m in matters for key in keys_of(m, refs)]


async def stored_definition(handle: ServiceHandle, sha: str) -> Any | None:
    """The stored definition of this SHA-256, or None."""
    async with handle.read() as conn:
        body = await conn.fetchval("SELECT body FROM intake.definition WHERE sha = $1", sha)
    return orjson.loads(body) if isinstance(body, str | bytes) else body


_SEARCH = """
SELECT body, release FROM intake.application
WHERE (region LIKE ANY($1::text[]) OR unit = ANY($2::text[]) OR handled_in IS NOT NULL AND EXISTS (
    SELECT FROM string_to_table(handled_in, ' ') AS place WHERE place LIKE ANY($1::text[])))
  AND ($3::text IS NULL OR application_no = $3)
  AND ($4::text IS NULL OR applicant_name = $4 OR subject_name = $4)
  AND ($5::text[] IS NULL OR applicant_ref = ANY($5) OR subject_ref = ANY($5))
  AND ($6::text IS NULL OR status = $6)
  AND ($7::timestamptz IS NULL OR received_at >= $7)
  AND ($8::timestamptz IS NULL OR received_at < $8)
  AND ($9::timestamptz IS NULL OR (received_at, id) < ($9, $10::uuid))
ORDER BY received_at DESC, id DESC LIMIT $11
"""


async def search(conn: asyncpg.Connection, *values: Any) -> list[Application]:
    """A page of applications, newest first, within regions (LIKE patterns) and units."""
    return [shown(APPLICATION, row) for row in await conn.fetch(_SEARCH, *values)]


_OWN = """
SELECT id::text, application_no FROM intake.application WHERE applicant_ref = $1 OR subject_ref = $1
"""


async def own_applications(handle: ServiceHandle, person_ref: str) -> dict[str, str]:
    """The numbers of all applications by or about a person, by their ids."""
    async with handle.read() as conn:
        return {row["id"]: row["application_no"] for row in await conn.fetch(_OWN, person_ref)}


async def barred(handle: ServiceHandle) -> frozenset[str]:
    """Who may commit to nothing (`person_ref`s): looked up every few seconds at most, since it is asked for every
    commitment and hardly ever changes."""
    kept = desk(handle)
    if monotonic() - kept.barred_at > BARRED_SECONDS:
        async with handle.read() as conn:
            rows = await conn.fetch("SELECT person_ref FROM intake.commitment_bar WHERE lifted_at IS NULL")
        kept.barred, kept.barred_at = frozenset(row["person_ref"] for row in rows), monotonic()
    return kept.barred


_HANGING = f"""
SELECT a.id, a.version, a.application_no,
    CASE WHEN opened THEN 'FACT_NOT_ESTABLISHED' ELSE 'NOT_OPENED' END, NOT opened
FROM intake.application a, LATERAL (SELECT EXISTS (SELECT FROM json_object_keys(a.body->'seen')) AS opened) o
WHERE a.status <> ALL($1::text[])
    AND (NOT opened OR EXISTS (SELECT FROM json_each(a.body->'facts') f
        WHERE coalesce(f.value->>'status', 'silent') <> 'confirmed' AND f.value->>'refuted' <> 'true'))
    AND NOT EXISTS ({movers("a.id", TASK, DELIVERY, but=(commitment.TIMER, tolerance.TIMER))})
    AND NOT EXISTS (SELECT FROM intake.parked p WHERE p.key = a.id::text AND p.state <> 'discarded')
ORDER BY a.id LIMIT 200
"""


_HELD = """
SELECT a.id, a.version, a.application_no, 'PAPER_HELD', false
FROM intake.paper p JOIN intake.application a ON a.id = p.case_id WHERE p.held IS NOT NULL LIMIT 200
"""


async def hanging(handle: ServiceHandle, conn: asyncpg.Connection) -> list[Hanging]:
    """Applications the coordinator never opened, with a fact that nobody is asked and no person looks into, or with a
    paper that cannot be issued."""
    rows = await conn.fetch(_HANGING, [status.value for status in ENDED])
    return [Hanging(*row) for row in (*rows, *await conn.fetch(_HELD))]
