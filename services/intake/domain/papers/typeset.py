"""How papers are set: full-width marks between Chinese words (GB/T 15834), dates as 2026年11月21日 (GB/T 9704)."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from shared.clock import BEIJING, beijing_date

_HAN: Final = "\u3400-\u9fff《》“”【】〔〕、。，；：（）！？"
_FULL: Final = str.maketrans(",;:!?", "，；：！？")
_MARK: Final = re.compile(f"(?<=[{_HAN}])[,;:!?]|[,;:!?](?=[{_HAN}])")
_CHINESE: Final = re.compile(f"[{_HAN}]")
_PAIR: Final = re.compile(r"(.?)\(([^()]*)\)(?=(.?))", re.DOTALL)
_KEPT: Final = str.maketrans("\x01\x02", "()")


@lru_cache(maxsize=2048)
def typeset(text: str) -> str:
    """The text with full-width marks where a Chinese word stands beside them, or in brackets; numbers, times and codes
    keep their own. Labels and set texts come again in every paper, so they are set once."""
    before = ""
    while before != text:
        before, text = text, _PAIR.sub(_brackets, text)
    return _MARK.sub(lambda m: m[0].translate(_FULL), text.translate(_KEPT))


def _brackets(found: re.Match[str]) -> str:
    chinese = _CHINESE.search("".join(found.groups()))
    opened, closed = "（）" if chinese else "\x01\x02"
    return f"{found[1]}{opened}{found[2]}{closed}"


def day(at: datetime | date) -> str:
    """A date as papers write it: 2026年11月21日."""
    on = beijing_date(at) if isinstance(at, datetime) else at
    return f"{on.year}年{on.month}月{on.day}日"


def moment(at: datetime) -> str:
    """A moment as papers write it, in Beijing's time: 2026年11月21日09:05."""
    return f"{day(at)}{at.astimezone(BEIJING):%H:%M}"


def plain(value: str) -> str:
    """A value of a result as papers write it: a date or a month in words, anything else as it is."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return day(date.fromisoformat(value))
    if re.fullmatch(r"\d{4}-\d{2}", value):
        return f"{int(value[:4])}年{int(value[5:])}月"
    return value
