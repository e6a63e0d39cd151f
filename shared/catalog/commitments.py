"""Commitments (告知承诺, 国办发〔2020〕42号): the words told in writing, in force where and when somebody commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from shared.catalog.dated import Dated
from shared.catalog.protocol import Limit
from shared.entries import read_entries
from shared.policy import NATION
from shared.regions import covers


class CommitmentText(Dated):
    """What is told before somebody commits instead of bringing a material, what follows if it was false, and when and
    by whom it is checked."""

    material: str
    version: str
    region: str
    title: str
    content: str
    consequences: str
    verify: Limit
    verified_by: Literal["receiving", "deciding"]

    def there(self, region: str) -> bool:
        """Whether it holds in this region."""
        return self.region == NATION or covers(self.region, region)


@dataclass(frozen=True)
class Commitments:
    """All texts; a value."""

    texts: Sequence[CommitmentText] = ()

    def of(self, material: str, region: str, on: date) -> CommitmentText | None:
        """The text in force for a material there on that day; None where nobody may commit to it."""
        found = [t for t in self.texts if t.material == material and t.holds(on) and t.there(region)]
        return max(found, key=lambda t: (len(t.region.rstrip("0")), t.effective_from), default=None)

    def told(self, material: str, version: str) -> CommitmentText | None:
        """The text of a version that somebody was told."""
        return next((t for t in self.texts if (t.material, t.version) == (material, version)), None)


@cache
def commitments() -> Commitments:
    """The texts, read at first use."""
    return Commitments(read_entries(Path(__file__).with_name("commitments.yaml"), CommitmentText))
