"""What the library reads and writes of its own rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from shared.facts.port import FactAnswer, Question
from shared.outcomes import FactStatus
from shared.spec import ServiceHandle
from tests.support.fifth.library.domain import CARDS


async def add_card(handle: ServiceHandle, card_no: str, person_ref: str) -> None:
    """A new reader."""
    async with handle.write("library") as conn:
        await conn.execute("INSERT INTO library.card (card_no, person_ref) VALUES ($1, $2)", card_no, person_ref)


async def cards_of(handle: ServiceHandle, questions: Sequence[Question]) -> list[FactAnswer]:
    """The source `library_cards`: `{"cards": [numbers]}` that a person holds."""
    refs = [str(q.question["person_ref"]) for q in questions]
    found: dict[str, list[str]] = defaultdict(list)
    async with handle.read() as conn:
        sql = "SELECT person_ref, card_no FROM library.card WHERE person_ref = ANY($1) AND cancelled_on IS NULL"
        for row in await conn.fetch(sql, refs):
            found[row["person_ref"]].append(row["card_no"])
    return [FactAnswer(FactStatus.CONFIRMED, {"cards": sorted(found[ref])}, CARDS) for ref in refs]


LOCAL_SOURCES: Mapping[str, Any] = {CARDS: cards_of}
