"""Puts lines of the timeline and holdings beside the application as rows of the same commit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.intake.tables import HOLDING, TIMELINE
from shared.changes import Put

if TYPE_CHECKING:
    from services.intake.domain.model import Application, Holding
    from services.intake.domain.timeline import Line


def tell(application: Application, lines: Iterable[Line | None], at: datetime) -> list[Put]:
    """The rows of these lines, each with the next place in this application's timeline."""
    puts = []
    for line in filter(None, lines):
        application.lines += 1
        values: dict[str, Any] = {
            "case_id": application.id,
            "seq": application.lines,
            "at": at,
            "kind": line.kind,
            "text_zh": line.zh,
            "text_en": line.en,
        }
        puts.append(Put(TIMELINE, values))
    return puts


def hold(application: Application, holdings: Iterable[Holding], *, upsert: bool) -> list[Put]:
    """The rows of these holdings; at submission an equal one that still blocks makes the commit fail."""
    return [
        Put(
            HOLDING,
            {
                "item_id": holding.item_id,
                "whose": holding.whose,
                "matter": holding.matter,
                "application_no": application.application_no,
                "case_id": application.id,
                "state": holding.state,
                "blocks": holding.blocks,
            },
            upsert=upsert,
        )
        for holding in holdings
    ]
