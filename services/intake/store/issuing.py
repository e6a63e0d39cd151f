"""Issues papers in batches: number, content, hash and signatures in one transaction, so that no number is lost.

The rows of the series are locked last, for as long as it takes to write a batch: whoever hands in an application never
waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from services.intake.domain.papers.content import World
from services.intake.domain.papers.issue import (
    NO_AUTHORITY,
    People,
    Ready,
    Series,
    demand,
    number_all,
    open_people,
    prepare,
    sealed_content,
    signatures,
)
from services.intake.domain.papers.model import Draft, Filed, Moment
from services.intake.store.notes import note_batch
from services.intake.tables import PAPER_SIGNATURE, not_newer
from shared.catalog.authority import authorities
from shared.db.documents import write_rows
from shared.db.engine import role_of
from shared.errors import Transient
from shared.handling.limits import working_calendar
from shared.precedence import Slices

if TYPE_CHECKING:
    import asyncpg

    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.papers")
MOST = 200
"""Papers issued in one transaction."""

FAULT = "FAULT"
"""Why a paper is held that could not be built or written."""

_TO_ISSUE = f"FROM intake.paper p WHERE number IS NULL AND held IS NULL AND {not_newer('p.case_id')}"
_ANY = f"SELECT EXISTS (SELECT {_TO_ISSUE})"
_IDS = f"SELECT id {_TO_ISSUE} ORDER BY made_at, id LIMIT $1"
_COLUMNS = "SELECT id, case_id, kind, made_at, moment"
_WAITING = f"{_COLUMNS} {_TO_ISSUE} ORDER BY made_at, id LIMIT $1 FOR UPDATE SKIP LOCKED"
_THESE = f"{_COLUMNS} {_TO_ISSUE} AND id = ANY($1) ORDER BY made_at, id FOR UPDATE"
_TAKE = """
INSERT INTO intake.paper_sequence AS s (organ, word, year, last)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS t(organ, word, year, n) ORDER BY 1, 2, 3
ON CONFLICT (organ, word, year) DO UPDATE SET last = s.last + EXCLUDED.last RETURNING organ, word, year, last
"""
_ISSUE = """
UPDATE intake.paper p SET number = t.number, digest = t.digest, content = t.content, unsealed = $5
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS t(id, number, digest, content) WHERE p.id = t.id
"""
_HOLD = "UPDATE intake.paper p SET held = t.why FROM unnest($1::uuid[], $2::text[]) AS t(id, why) WHERE p.id = t.id"


async def waiting(service: RunningService) -> bool:
    """Whether any paper waits to be issued."""
    async with service.read() as conn:
        return bool(await conn.fetchval(_ANY))


async def issue_each(service: RunningService) -> int:
    """Issues a batch of all that wait; where that fails, each by itself, and what fails alone is held."""
    try:
        return await issue(service)
    except Transient:
        raise
    except Exception as cause:
        log.exception("papers_not_issued", cause=type(cause).__name__)
    async with service.read() as conn:
        ids = [row["id"] for row in await conn.fetch(_IDS, MOST)]
    for one in ids:
        await _issue_alone(service, one)
    return len(ids)


async def _issue_alone(service: RunningService, one: UUID) -> None:
    try:
        await issue(service, [one])
    except Transient:
        raise
    except Exception as cause:  # one bad paper must not hold up the others; it shows as held
        log.exception("paper_not_issued", cause=type(cause).__name__)
        async with service.db.transaction(role_of(service.spec.name)) as conn:
            await conn.execute(_HOLD, [one], [FAULT])


async def issue(service: RunningService, ids: Sequence[UUID] | None = None) -> int:
    """Issues the papers named that wait, or a batch of all that wait; how many rows were looked at.

    Those of an application that a newer release has written wait for a copy of that release.
    """
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        rows = await (conn.fetch(_THESE, list(ids)) if ids is not None else conn.fetch(_WAITING, MOST))
        if rows:
            filed = await _filed(conn, {row["case_id"] for row in rows})
            await _issue(service, conn, [_draft(row) for row in rows], filed)
    return len(rows)


async def release_held(service: RunningService) -> None:
    """Tries again what was held: a new release may know who has authority, a key may have come."""
    async with service.db.transaction(role_of(service.spec.name)) as conn:
        await conn.execute("UPDATE intake.paper SET held = NULL WHERE number IS NULL AND held IS NOT NULL")


async def _filed(conn: asyncpg.Connection, cases: set[UUID]) -> dict[UUID, Filed]:
    rows = await conn.fetch("SELECT id, body FROM intake.application WHERE id = ANY($1::uuid[])", list(cases))
    return {row["id"]: Filed.model_validate_json(row["body"]) for row in rows}


def _draft(row: Mapping[str, Any]) -> Draft:
    moment = Moment.model_validate_json(row["moment"])
    return Draft(row["id"], row["case_id"], row["kind"], row["made_at"], moment)


async def _issue(
    service: RunningService, conn: asyncpg.Connection, drafts: Sequence[Draft], filed: Mapping[UUID, Filed]
) -> None:
    world = World(service.catalog, authorities(), working_calendar(), service.units)
    people: dict[UUID, People] = {}
    ready, held = [], {}
    slices = Slices()
    for draft in drafts:
        one = _prepared(draft, filed.get(draft.case_id), people, service, world)
        if isinstance(one, Ready):
            ready.append(one)
        else:
            held[draft.id] = one
        await slices.give_way()
    if held:
        log.warning("papers_held", papers=len(held), why=sorted(set(held.values())))
        await conn.execute(_HOLD, list(held), list(held.values()))
    if ready:
        number_all(ready, await _take(conn, ready))
        await _write(service, conn, ready, slices)


def _prepared(
    draft: Draft, filed: Filed | None, people: dict[UUID, People], service: RunningService, world: World
) -> Ready | str:
    """The paper, or why it is held: one that cannot be built must not hold up the others."""
    if filed is None:
        return NO_AUTHORITY
    try:
        if filed.id not in people:
            people[filed.id] = open_people(filed, service.keyring)
        return prepare(draft, filed, people[filed.id], service.keyring, world) or NO_AUTHORITY
    except Exception as cause:
        log.exception("paper_not_built", kind=draft.kind, cause=type(cause).__name__)
        return FAULT


async def _take(conn: asyncpg.Connection, ready: Sequence[Ready]) -> dict[Series, int]:
    columns = zip(*((*series, count) for series, count in demand(ready)), strict=True)
    rows = await conn.fetch(_TAKE, *map(list, columns))
    return {(row["organ"], row["word"], row["year"]): row["last"] for row in rows}


async def _write(service: RunningService, conn: asyncpg.Connection, ready: Sequence[Ready], slices: Slices) -> None:
    marks = await service.seals.seal([one.to_seal() for one in ready]) if service.seals.at_hand else [None] * len(ready)
    written = []
    for one in ready:
        written.append((one.draft.id, one.number, one.digest, sealed_content(one, service.keyring)))
        await slices.give_way()
    await conn.execute(_ISSUE, *map(list, zip(*written, strict=True)), not service.seals.at_hand)
    rows = [row for one, mark in zip(ready, marks, strict=True) for row in signatures(one, mark)]
    await write_rows(conn, PAPER_SIGNATURE, rows)
    await note_batch(service, conn, "issue_papers", {"numbers": [one.number for one in ready]})
