"""The simulator of sources: it says what its rows say, when they say it, and keeps no identity number."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.clock import FixedClock
from shared.facts.port import FactAnswer, Question
from shared.facts.simulator import SimulatedFacts, insert_simulated, said, subject_of
from shared.outcomes import FactStatus
from shared.person_index import PersonIndex
from tests.support.fake_ctx import NOW

INDEX = PersonIndex(b"0" * 32)
WHO = {"person": {"id_type": "resident_id", "id_no": "420112194002290011"}}


class OneQuery:
    """Stands in for the database: rows it holds, statements it was given."""

    def __init__(self, rows=()):
        self.rows, self.seen = list(rows), []

    @asynccontextmanager
    async def connection(self):
        yield self

    async def fetch(self, sql, *arguments):
        self.seen.append(arguments)
        return self.rows

    async def execute(self, sql, *arguments):
        self.seen.append(arguments)


def row(**changed):
    fixed = {"source": "roll", "subject": subject_of(INDEX, "roll", WHO), "status": "confirmed", "source_no": "R-1"}
    return {**fixed, "data": '{"amount": "100.00"}', "available_at": None, "silent_times": 0, "asked": 1, **changed}


def question(**about):
    return Question(UUID(int=1), "roll", about or WHO, "k")


async def test_a_row_answers_and_a_batch_is_one_query():
    db: Any = OneQuery([row()])
    answers = await SimulatedFacts(db, FixedClock(NOW), INDEX).answer([question(), question(key="other")])
    assert [a.status for a in answers] == [FactStatus.CONFIRMED, FactStatus.SILENT]
    assert answers[0].data == {"amount": "100.00"}
    assert len(db.seen) == 1


async def test_where_no_row_answers_the_defaults_do_and_without_them_it_is_silent():
    given = FactAnswer(FactStatus.CONFIRMED, {}, "roll")
    db: Any = OneQuery()
    facts = SimulatedFacts(db, FixedClock(NOW), INDEX, lambda q: given if "person" in q.question else None)
    answers = await facts.answer([question(), question(key="other")])
    assert [a.status for a in answers] == [FactStatus.CONFIRMED, FactStatus.SILENT]


def test_a_late_source_is_silent_until_its_time():
    late = row(available_at=NOW)
    assert said(late, NOW - timedelta(seconds=1)).status == FactStatus.SILENT
    assert said(late, NOW).status == FactStatus.CONFIRMED


def test_a_source_may_be_silent_some_times_first():
    assert said(row(silent_times=2, asked=2), NOW).status == FactStatus.SILENT
    assert said(row(silent_times=2, asked=3), NOW).status == FactStatus.CONFIRMED


async def test_no_identity_number_is_written():
    db = OneQuery()
    await insert_simulated(db, INDEX, source="roll", about=WHO, status=FactStatus.SILENT)
    assert WHO["person"]["id_no"] not in repr(db.seen)
