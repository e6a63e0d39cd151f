"""Dated facts in YAML files of the catalogue: each entry with its source, and how sure we are of it."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from shared.entries import Confidence, holds_on


class Dated(BaseModel):
    """An entry in force from `effective_from` to `effective_to`, both days included, by which law."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: str
    article: str = ""
    effective_from: date
    effective_to: date | None = None
    confidence: Confidence
    source: str

    def holds(self, on: date | None) -> bool:
        """Whether it is in force on that day; of no day in particular: whether it ever is."""
        return on is None or holds_on(self, on)

    def cite(self) -> str:
        """The law as it stands in a paper, saying so where nobody has checked it."""
        return f"《{self.law}》{self.article}" + ("" if self.confidence == "核" else f"【{self.confidence}】")
