"""What the funeral service reads of its own rows: reports about a person, items that wait for one, a home's list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.funeral.domain.reports import Cremation
from services.funeral.domain.sources import REPORTS
from services.funeral.tables import CREMATION, DELIVERY
from shared.changes import Put
from shared.db.documents import shown
from shared.delivery.writes import timer_id
from shared.facts.port import FactAnswer, Question
from shared.handling.tables import ITEM
from shared.outcomes import FactStatus
from shared.spec import ServiceHandle

WAITING_ITEMS = "waiting_items"
REPORTED = "cremation_reported"
"""The timer that tells a waiting item to read the reports again."""

_REPORTS = "SELECT body, release FROM funeral.cremation WHERE person_ref = ANY($1) ORDER BY cremated_on, id"
_WAIVED = """
SELECT person_ref, code FROM funeral.settlement_line
WHERE person_ref = ANY($1) AND state IN ('in_force', 'suspended') ORDER BY code
"""
_WAITING = "SELECT person_ref, id FROM funeral.item WHERE person_ref = ANY($1) AND phase = 'open' ORDER BY id"
_LIST = """
SELECT body, release FROM funeral.cremation
WHERE home_no = ANY($1) AND cremated_on >= $2 AND cremated_on < $3
  AND ($4::date IS NULL OR (cremated_on, id) > ($4, $5::uuid))
ORDER BY cremated_on, id LIMIT $6
"""


async def cremation_reports(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """The source `cremation_report` (its shape: `domain.sources`), from what homes reported and what was waived."""
    refs = [str(q.question["person_ref"]) for q in questions]
    reports: dict[str, list[dict[str, Any]]] = defaultdict(list)
    waived: dict[str, list[str]] = defaultdict(list)
    ctx = handle.ctx()
    async with handle.read() as conn:
        for row in await conn.fetch(_REPORTS, refs):
            cremation = shown(CREMATION, row)
            reports[cremation.person_ref].append(cremation.report(ctx))
        for row in await conn.fetch(_WAIVED, refs):
            waived[row["person_ref"]].append(row["code"])
    return [_said(REPORTS, {"reports": reports[ref], "waived": waived[ref]}) for ref in refs]


async def waiting_items(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """The source `waiting_items`: `{"items": [ids]}`, the open items about a person."""
    refs = [str(q.question["person_ref"]) for q in questions]
    found: dict[str, list[str]] = defaultdict(list)
    async with handle.read() as conn:
        for row in await conn.fetch(_WAITING, refs):
            found[row["person_ref"]].append(str(row["id"]))
    return [_said(WAITING_ITEMS, {"items": found[ref]}) for ref in refs]


async def cremations(
    handle: ServiceHandle, homes: Sequence[str], first: date, end: date, after: tuple[date, UUID] | None, most: int
) -> list[Cremation]:
    """Cremations of these homes from `first` until before `end`, in order, at most so many after a place."""
    async with handle.read() as conn:
        rows = await conn.fetch(_LIST, list(homes), first, end, *(after or (None, None)), most)
    return [shown(CREMATION, row) for row in rows]


def wake(item_id: UUID, name: str, now: datetime) -> Put:
    """The row of a timer of this name for an item, due now; one that is there already is enough."""
    row = {"id": timer_id(ITEM, item_id, name), "kind": ITEM, "aggregate_id": item_id, "name": name, "due_at": now}
    return Put(DELIVERY.timer, {**row, "data": {}}, upsert=True)


def _said(source: str, data: Mapping[str, Any]) -> FactAnswer:
    return FactAnswer(FactStatus.CONFIRMED, data, source)


LOCAL_SOURCES: Mapping[str, Any] = {REPORTS: cremation_reports, WAITING_ITEMS: waiting_items}
