"""最低生活保障 minimum living allowance: a household's amount, and the margin above the standard."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from shared.money import ZERO, yuan
from shared.policy import Policy

RULE = "assistance.minimum_living"


def standard(policy: Policy, region: str, area: str, on: date) -> Decimal:
    """Yuan a person and month, in town (`urban`) or country (`rural`), in force on a day."""
    return yuan(policy.find(f"{RULE}.standard", region, on).value[area])


def monthly(std: Decimal, members: int, income: Decimal) -> Decimal:
    """Yuan a month for the household: `max(0, std x members - income)` (社会救助法第十八条:按实际差额发放)."""
    return max(ZERO, yuan(std * members - income))


def within_margin(std: Decimal, members: int, income: Decimal, multiple: Decimal) -> bool:
    """低保边缘: not within the standard, yet income a head below its multiple (社会救助法第二十一条, 民发〔2022〕83号)."""
    return std * members <= income < std * multiple * members
