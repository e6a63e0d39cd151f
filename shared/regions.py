"""Division codes (区划代码) of 6 or 12 digits: province 2, city 2, county 2, town 3, village 3."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from shared.errors import FieldError, Invalid

_ENDS = (2, 4, 6, 9, 12)
_CODE = re.compile(r"[0-9]{6}(?:[0-9]{6})?")
_REMEMBERED = 4096
"""Codes kept with what was worked out of them: a district has hundreds, and every case asks for its own again."""


def is_region(code: str) -> bool:
    """Whether the text has the form of a division code; whether the place exists is the dictionary's business."""
    return _CODE.fullmatch(code) is not None and code[:2] != "00"


def normalise_region(raw: str, pointer: str = "/region") -> str:
    """One form a place: 6 digits down to the county, 12 below it; `Invalid` (`REGION_FORMAT`) for anything else."""
    code = unicodedata.normalize("NFKC", raw).strip()
    if not is_region(code):
        raise Invalid([FieldError(pointer, "REGION_FORMAT")])
    return _whole(_significant(code))


@lru_cache(maxsize=_REMEMBERED)
def covers(scope: str, code: str) -> bool:
    """Whether `code` lies in `scope`: the scope without its trailing all-zero levels is a prefix of the code.

    A scope or code of the wrong form covers nothing and lies nowhere.
    """
    if not (is_region(scope) and is_region(code)):
        return False
    return code.startswith(_significant(scope))


@lru_cache(maxsize=_REMEMBERED)
def region_level(code: str) -> int:
    """1 province, 2 city, 3 county, 4 town (街道/乡镇), 5 village (社区/村)."""
    return _ENDS.index(len(_significant(normalise_region(code)))) + 1


def parent_chain(code: str) -> list[str]:
    """The place itself first, then what it lies in, up to the province; levels that are all zero are left out."""
    part = _significant(normalise_region(code))
    chain = []
    while part:
        chain.append(_whole(part))
        part = _significant(part[: _ENDS[_ENDS.index(len(part)) - 1]]) if len(part) > _ENDS[0] else ""
    return chain


def _significant(code: str) -> str:
    starts = (0, *_ENDS)
    for start, end in reversed(tuple(zip(starts, _ENDS, strict=False))):
        if code[start:end].strip("0"):
            return code[:end]
    return ""


def _whole(part: str) -> str:
    return part.ljust(6 if len(part) <= 6 else 12, "0")
