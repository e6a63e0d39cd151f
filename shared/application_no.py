"""The number of an application (办件编号): made, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from stdnum.iso7064 import mod_11_2

from shared.regions import is_region

CHANNELS: Final = ("window", "paper", "field", "online", "mobile", "hotline", "proactive", "partner", "assisted")
_APPLICATION_NO = re.compile(r"[0-9]{22}[0-9X]")


@dataclass(frozen=True, slots=True)
class ApplicationNo:
    """The parts of an `application_no` 办件编号."""

    region: str
    received_on: date
    channel: str
    sequence: int


def make_application_no(region: str, received_on: date, channel: str, sequence: int) -> str:
    """The 23 characters: region 6, Beijing date 8, channel 2, sequence 6 (1 to 999999), ISO 7064 MOD 11-2."""
    if not is_region(region) or not 1 <= sequence <= 999_999:
        raise ValueError(f"no application number for region {region} and sequence {sequence}")
    body = f"{region[:6]}{received_on:%Y%m%d}{CHANNELS.index(channel) + 1:02d}{sequence:06d}"
    return body + mod_11_2.calc_check_digit(body)


def parse_application_no(number: str) -> ApplicationNo | None:
    """Its parts, or None when the form, the check character, the date or the channel is wrong."""
    if not _APPLICATION_NO.fullmatch(number) or mod_11_2.calc_check_digit(number[:-1]) != number[-1]:
        return None
    channel = int(number[14:16])
    try:
        day = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    if not 1 <= channel <= len(CHANNELS) or not is_region(number[:6]):
        return None
    return ApplicationNo(number[:6], day, CHANNELS[channel - 1], int(number[16:22]))


def check_application_no(number: str) -> bool:
    """Whether this can be an `application_no`; one wrong character never passes."""
    return parse_application_no(number) is not None
