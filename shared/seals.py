"""Seals (印章) as a port: an organ's electronic seal under a paper, or the plain word that there is none.

A provider is named by the setting `ONEWINDOW_SEAL`; the simulator marks what it seals as a demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

UNSEALED: Final = "未用印"
"""What a paper says while no seal is connected."""


@dataclass(frozen=True, slots=True)
class ToSeal:
    """One paper to be sealed: whose seal by its name, over which hash (its algorithm named)."""

    paper_id: UUID
    organ: str
    seal: str
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class SealMark:
    """A seal under a paper: who put it there, and the provider's own number."""

    provider: str
    number: str


class Seals(Protocol):
    """Puts seals under papers in batches, each once: the same paper and hash is the same seal.

    `at_hand`: it answers without leaving this machine, so that it may be asked while papers are numbered.
    """

    at_hand: bool

    async def seal(self, papers: Sequence[ToSeal]) -> Sequence[SealMark | None]:
        """One mark a paper, in their order; None where it has no such seal; raises anything when it is away."""


class NoSeals:
    """Nothing is connected: papers go out unsealed, and say so."""

    at_hand = True

    async def seal(self, papers: Sequence[ToSeal]) -> Sequence[SealMark | None]:
        """No seal, one a paper."""
        return [None] * len(papers)


class SimulatedSeals:
    """The demonstration's: every seal is at hand, and says that it is none (演示用印)."""

    at_hand = True

    async def seal(self, papers: Sequence[ToSeal]) -> Sequence[SealMark | None]:
        """A mark made of the paper's hash."""
        return [SealMark("simulator", f"演示用印-{p.digest[:12]}") for p in papers]
