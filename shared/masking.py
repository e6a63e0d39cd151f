"""Masking: what a person without need sees of a name or a number."""

from __future__ import annotations

import re
from typing import Final


def mask_id_no(id_no: str) -> str:
    """`420112********0011`: six in front and four behind; short numbers keep two and two, or nothing."""
    if len(id_no) >= 15:
        return _mask(id_no, 6, 4)
    return _mask(id_no, 2, 2) if len(id_no) >= 8 else "*" * len(id_no)


_DOUBLE_SURNAMES: Final = frozenset(
    {
        "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫", "尉迟",
        "公孙", "慕容", "令狐", "夏侯", "长孙", "宇文", "轩辕", "端木",
        "南宫", "西门", "独孤", "闻人", "申屠", "澹台",
    }
)  # fmt: skip


def mask_name(name: str) -> str:
    """`李*`, `欧阳**`, `阿***·***`, `J*** S****`: the surname or first letter stays, separators stay."""
    if len(name) < 2:
        return "*" * len(name)
    keep = 2 if len(name) > 2 and name[:2] in _DOUBLE_SURNAMES else 1
    if keep == 1 and " " in name:
        return " ".join(_mask(part, 1, 0) for part in name.split())
    return name[:keep] + re.sub(r"[^·•. ]", "*", name[keep:])


def mask_phone(phone: str) -> str:
    """`138****0001`; shorter numbers keep their last two digits."""
    return _mask(phone, 3, 4) if len(phone) >= 11 else _mask(phone, 0, 2)


def mask_account(number: str) -> str:
    """The last four of an account number, the rest as stars."""
    return _mask(number, 0, 4)


def _mask(text: str, head: int, tail: int) -> str:
    hidden = len(text) - head - tail
    if hidden <= 0:
        return "*" * len(text)
    return text[:head] + "*" * hidden + text[len(text) - tail :]
