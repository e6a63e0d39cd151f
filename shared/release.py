"""Releases: which one this is, and which ones may work beside it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Final, NamedTuple, Self

_MINORS: Final = 1000


class Release(NamedTuple):
    """A release as far as what it stores is concerned: a patch changes no stored shape, so it does not count."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`0.2` or `0.2.1` as a release; `ValueError` for anything else."""
        major, minor = text.split(".")[:2]
        return cls(int(major), int(minor))

    @classmethod
    def of(cls, number: int) -> Self:
        """The release that `number` stands for."""
        return cls(*divmod(number, _MINORS))

    @property
    def number(self) -> int:
        """As it stands in rows: comparable, later is greater."""
        return self.major * _MINORS + self.minor

    @property
    def following(self) -> Release:
        """The least that comes after it."""
        return Release(self.major, self.minor + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


FIRST: Final = Release(0, 1)

BESIDE: Final = FIRST
"""The oldest release whose copies may work on one database beside this one: the release before this one, since what a
release still needs is removed a release later."""


@cache
def this_release() -> Release:
    """The release that runs here."""
    return Release.parse(version("onewindow"))
