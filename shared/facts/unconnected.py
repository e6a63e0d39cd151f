"""Where no source is connected: every question stays open, visibly, and nothing is taken for granted."""

from __future__ import annotations

from collections.abc import Sequence

from shared.facts.port import FactAnswer, Question
from shared.outcomes import FactStatus


class Unconnected:
    """A `FactSource` that is silent about everything."""

    async def answer(self, questions: Sequence[Question]) -> Sequence[FactAnswer]:
        """Silence, one a question."""
        return [FactAnswer(FactStatus.SILENT, source=question.source) for question in questions]
