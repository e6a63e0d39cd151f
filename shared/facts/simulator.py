"""A simulator of sources: it says what its rows say, and invents nothing by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from shared.clock import Clock
from shared.facts.port import FactAnswer, Question
from shared.facts.tables import SIMULATED
from shared.outcomes import FactStatus
from shared.person_index import PersonIndex

if TYPE_CHECKING:
    import asyncpg

    from shared.db.engine import Database

Defaults = Callable[[Question], FactAnswer | None]
"""What is said where no row answers; None is silence. The demonstration gives one, under demo only."""

_ASK = f"""
UPDATE {SIMULATED.fullname} s SET asked = s.asked + 1
FROM unnest($1::text[], $2::text[]) AS q(source, subject)
WHERE s.source = q.source AND s.subject = q.subject
RETURNING s.source, s.subject, s.status, s.data, s.source_no, s.available_at, s.silent_times, s.asked
"""

_INSERT = f"""
INSERT INTO {SIMULATED.fullname} AS s (source, subject, status, data, source_no, available_at, silent_times, asked)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
ON CONFLICT (source, subject) DO UPDATE SET status = EXCLUDED.status, data = EXCLUDED.data, asked = 0,
  source_no = EXCLUDED.source_no, available_at = EXCLUDED.available_at, silent_times = EXCLUDED.silent_times
"""


class SimulatedFacts:
    """A `FactSource` over the rows of `facts.simulated`, one query a batch."""

    def __init__(self, db: Database, clock: Clock, index: PersonIndex, defaults: Defaults | None = None) -> None:
        self._db, self._clock, self._index, self._defaults = db, clock, index, defaults

    async def answer(self, questions: Sequence[Question]) -> Sequence[FactAnswer]:
        """What the rows say; where there is none, what the defaults say; else silence."""
        subjects = [subject_of(self._index, q.source, q.question) for q in questions]
        async with self._db.connection() as conn:
            found = await conn.fetch(_ASK, [q.source for q in questions], subjects)
        rows = {(row["source"], row["subject"]): row for row in found}
        now = self._clock.now()
        return [
            self._one(question, rows.get((question.source, subject)), now)
            for question, subject in zip(questions, subjects, strict=True)
        ]

    def _one(self, question: Question, row: Mapping[str, Any] | None, now: datetime) -> FactAnswer:
        if row is not None:
            return said(row, now)
        default = self._defaults(question) if self._defaults else None
        return default or FactAnswer(FactStatus.SILENT, source=question.source)


def said(row: Mapping[str, Any], now: datetime) -> FactAnswer:
    """What a row says at this moment: silence while it is late, or for its first times, then its own status."""
    late = row["available_at"] is not None and now < row["available_at"]
    if late or row["asked"] <= row["silent_times"] or row["status"] == FactStatus.SILENT:
        return FactAnswer(FactStatus.SILENT, source=row["source"])
    data = row["data"]
    known = orjson.loads(data) if isinstance(data, str | bytes) else data
    return FactAnswer(FactStatus(row["status"]), known, row["source"], row["source_no"])


def subject_of(index: PersonIndex, source: str, question: Mapping[str, Any]) -> str:
    """The keyed reference of whom or what a question is about: no identity number rests in the table."""
    if ref := question.get("person_ref"):
        return str(ref)
    return index.ref_of(question.get("person")) or index.blind(f"facts/{source}", str(question.get("key", "")))


async def insert_simulated(
    conn: asyncpg.Connection,
    index: PersonIndex,
    *,
    source: str,
    about: Mapping[str, Any],
    status: FactStatus,
    data: Mapping[str, Any] | None = None,
    source_no: str | None = None,
    available_at: datetime | None = None,
    silent_times: int = 0,
) -> None:
    """Has a source say this of `about` (shaped as a question) from now on; said again, it replaces the row."""
    known = orjson.dumps(dict(data or {}), default=str).decode()
    subject = subject_of(index, source, about)
    await conn.execute(_INSERT, source, subject, str(status), known, source_no, available_at, silent_times)
