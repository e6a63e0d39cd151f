"""The figures that whoever reckons dates goes by: of extensions (延期) and lamps (亮灯); dated, with source and confidence."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shared.policy import Policy

if TYPE_CHECKING:
    from datetime import date


@cache
def clock_policy() -> Policy:
    """The figures in `policy/`, read at first use."""
    return Policy.load(Path(__file__).with_name("policy"))


class Yellow(NamedTuple):
    """From how many days left a lamp is yellow: a share of the limit in percent, a part of a day counted as one, and no
    less than so many."""

    percent: int
    least: int


@lru_cache(maxsize=1024)
def yellow(region: str, on: date) -> Yellow:
    """What holds there for a limit that ends on that day."""
    return Yellow(**clock_policy().find("lamp.yellow", region, on).value)
