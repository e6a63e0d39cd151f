"""Authorities (办理权限): who receives, accepts, examines and decides a matter where, in whose name, under which seal.

Dated, regional facts with their source, in `authorities/*.yaml`. A paper takes the organ, its seal and the remedy from
here, never from its template.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from shared.entries import Confidence, holds_on, read_entries
from shared.errors import Misconfigured
from shared.regions import covers, is_region, region_level

FOLDER = Path(__file__).with_name("authorities")
ANY = "*"
COUNTY, VILLAGE = 3, 5
"""Levels of a region."""

Mode = Literal["own", "delegated", "devolved"]
"""`own`: the organ's own power. `delegated` 委托: a lower unit acts in the organ's name, under its seal. `devolved` 下放:
the lower unit acts in its own name, under its own seal, and answers for it."""


class Remedy(BaseModel):
    """Whom the citizen may turn to against a decision, within which terms counted from its delivery, by which law."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reconsideration: str
    reconsideration_days: int
    court: str
    court_months: int
    law: str


class Authority(BaseModel):
    """Who does what of a matter in a region, while it is in force (both days included).

    A village or community only assists (民政事项的受理、审核在乡镇街道,村(居)委会协助): it may receive what it passes on,
    and stand in `assisting`, nothing else. `matter` is a code, `service.*`, or `*`. Units are named by the organ's code;
    `organ` is in whose name a paper stands, `organ_short` the word of its numbers (东民), `seal` the seal's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    matter: str
    region: str
    effective_from: date
    effective_to: date | None = None
    confidence: Confidence
    source: str
    mode: Mode
    receiving: tuple[str, ...]
    accepting: str
    examining: str
    deciding: str
    assisting: tuple[str, ...] = ()
    organ: str
    organ_name: str
    organ_short: str
    seal: str
    remedy: Remedy

    @model_validator(mode="after")
    def _a_village_only_assists(self) -> Self:
        for role in ("accepting", "examining", "deciding", "organ"):
            code = getattr(self, role)
            if is_region(code) and region_level(code) == VILLAGE:
                raise ValueError(f"{role}: 村(居)委会只能协助 / a village may only assist: {code}")
        if self.mode == "devolved" and self.deciding != self.organ:
            raise ValueError(
                "下放的,以自己的名义决定 / what is devolved is decided in one's own name: organ = deciding"
            )
        if self.mode == "delegated" and self.deciding == self.organ:
            raise ValueError("委托的,以委托机关的名义决定 / what is delegated is decided in another's name")
        return self

    def holds(self, matter: str, region: str, on: date) -> bool:
        """Whether it is in force for this matter there on that day."""
        return holds_on(self, on) and covers(self.region, region) and self.names(matter)

    def names(self, matter: str) -> bool:
        """Whether it speaks of this matter."""
        return self.matter in (ANY, matter, f"{matter.partition('.')[0]}.{ANY}")

    @property
    def closeness(self) -> tuple[int, int, date]:
        """Which of several in force wins: the nearest place, then the nearest matter, then the latest."""
        exact = 0 if self.matter == ANY else 1 if self.matter.endswith(ANY) else 2
        return region_level(self.region), exact, self.effective_from

    def overlaps(self, other: Authority) -> bool:
        """Whether both speak of the same matter and place on some day, so that nobody could say which holds."""
        if (self.matter, self.region) != (other.matter, other.region):
            return False
        first, second = sorted((self, other), key=lambda e: e.effective_from)
        return first.effective_to is None or second.effective_from <= first.effective_to


class Authorities:
    """All authorities; a value, safe to share."""

    def __init__(self, entries: Iterable[Authority]) -> None:
        self.entries = tuple(entries)

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Self:
        """Every `*.yaml` of a folder, each a list of entries; a wrong one, or two for the same matter, place and day, is
        `Misconfigured`, naming file and entry."""
        named = [
            (f"{path} [{n}]", e)
            for path in sorted(folder.glob("*.yaml"))
            for n, e in enumerate(read_entries(path, Authority))
        ]
        for n, (name, entry) in enumerate(named):
            for before, other in named[:n]:
                if entry.overlaps(other):
                    raise Misconfigured(name, f"与 {before} 重叠:同一事项、地区和日期", f"overlaps with {before}")
        return cls(entry for _, entry in named)

    def of_matter(self, matter: str) -> list[Authority]:
        """All that is declared for a matter, by place, the one that wins first."""
        found = [e for e in self.entries if e.names(matter)]
        return sorted(sorted(found, key=lambda e: e.closeness, reverse=True), key=lambda e: e.region[:6])

    def districts(self) -> list[str]:
        """The counties for which something is declared."""
        return sorted({e.region[:6] for e in self.entries if region_level(e.region) >= COUNTY})

    def declared(self, matter: str, region: str) -> list[Authority]:
        """All that is declared for this matter in a place, or in what lies in it, nearest and latest first."""
        found = [e for e in self.entries if e.names(matter) and (covers(e.region, region) or covers(region, e.region))]
        return sorted(found, key=lambda e: e.closeness, reverse=True)

    @lru_cache(maxsize=4096)  # noqa: B019 - the authorities in force live as long as the process
    def of(self, matter: str, region: str, on: date) -> Authority | None:
        """Who has authority over this matter there on that day; None where nobody is declared."""
        found = [e for e in self.entries if e.holds(matter, region, on)]
        return max(found, key=lambda e: e.closeness, default=None)


@cache
def authorities() -> Authorities:
    """The authorities in force, read at first use."""
    return Authorities.load()
