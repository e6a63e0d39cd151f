"""What nobody may be asked to bring (减证便民): papers a village would have to write, papers the state has already, papers
that another matter of the same bundle yields; unless the retained list names the law that demands it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shared.catalog.dated import Dated
from shared.entries import read_entries

if TYPE_CHECKING:
    from shared.catalog.model import Matter
    from shared.catalog.registry import Catalog

_HERE = Path(__file__).parent


class Supply(Dated):
    """Who could supply a material beside the applicant: a village, by writing it, or a source, by sharing (`holder`)."""

    material: str
    by: Literal["village", "sharing"]
    holder: str = ""


class Retained(Dated):
    """A material that this matter may ask for all the same: its law says so."""

    matter: str
    material: str


@dataclass(frozen=True)
class Burdens:
    """What is known of who supplies what, and the retained list (保留清单)."""

    supplies: Sequence[Supply] = ()
    retained: Sequence[Retained] = ()

    def problems(self, catalog: Catalog, on: date | None) -> Iterator[str]:
        """Every material that a matter asks for and may not, with the reason."""
        for matter in catalog.matters.values():
            for need in matter.materials:
                reason = None if need.fetched else self._reason(catalog, matter, need.type, on)
                if reason and not self._is_retained(matter.code, need.type, on):
                    yield f"{matter.code}: may not ask for {need.type}: {reason}"

    @cached_property
    def holders(self) -> dict[str, str]:
        """Who shares each material with us."""
        return {s.material: s.holder for s in self.supplies if s.by == "sharing"}

    def _reason(self, catalog: Catalog, matter: Matter, material: str, on: date | None) -> str | None:
        for supply in self.supplies:
            if supply.material == material and supply.holds(on):
                if supply.by == "village":
                    return f"a village would have to certify it 不得要求村社开具 ({supply.cite()})"
                return f"{supply.holder} shares it 可以共享取得 ({supply.cite()})"
        for other in _same_bundle(catalog, matter):
            if material in other.yields:
                return f"{other.code} of the same bundle yields it 同一件事的事项已产生"
        return None

    def _is_retained(self, matter: str, material: str, on: date | None) -> bool:
        return any((r.matter, r.material) == (matter, material) and r.holds(on) for r in self.retained)


def _same_bundle(catalog: Catalog, matter: Matter) -> Iterator[Matter]:
    mine = {join.bundle for join in matter.joins}
    for other in catalog.matters.values():
        if other.code != matter.code and mine & {join.bundle for join in other.joins}:
            yield other


@cache
def burdens() -> Burdens:
    """What is in force, read at first use."""
    return Burdens(read_entries(_HERE / "supply.yaml", Supply), read_entries(_HERE / "retained.yaml", Retained))
