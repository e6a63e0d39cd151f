"""Invented people: common surnames, numbers of district 420112 with right check digits, nobody real."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from stdnum.iso7064 import mod_11_2

from shared.identity import Sex, birth_of, sex_of

DISTRICT = "420112"
DEMO_PASSWORD = "onewindow-demo"

SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN: dict[Sex, tuple[str, str]] = {
    "male": ("国建志永文明德家长春", "强平安军林华福生海山"),
    "female": ("秀桂玉淑兰美凤月素金", "英兰珍芳梅琴香莲华云"),
}
_GIVEN_CHILD: dict[Sex, tuple[str, str]] = {
    "male": ("建志晓立新海俊少宏永", "明军伟涛斌波峰辉平刚"),
    "female": ("晓丽红小海春雪慧文静", "红燕敏霞娟萍芬琳莉娜"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person with a valid identity number (GB 11643)."""

    name: str
    id_no: str

    @property
    def surname(self) -> str:
        return self.name[0]

    def party(self, role: str, **more: Any) -> dict[str, Any]:
        """The person as a party of an application."""
        found = {"role": role, "kind": "person", "name": self.name, "id_type": "resident_id", "id_no": self.id_no}
        return {**found, **more}


def id_number(region: str, born: date, serial: int) -> str:
    """The 18 characters of a resident's number; an odd serial (0 to 999) is a man's."""
    body = f"{region}{born:%Y%m%d}{serial:03d}"
    return body + mod_11_2.calc_check_digit(body)


def invent(rng: random.Random, born: date, sex: Sex, *, surname: str = "", child: bool = False) -> Person:
    """A person born on this day."""
    first, second = (_GIVEN_CHILD if child else _GIVEN)[sex]
    name = (surname or rng.choice(SURNAMES)) + rng.choice(first) + rng.choice(second)
    serial = rng.randrange(500) * 2 + (sex == "male")
    return Person(name, id_number(DISTRICT, born, serial))


def day_between(rng: random.Random, first: date, last: date) -> date:
    """Some day from `first` to `last`, both included."""
    return first + timedelta(days=rng.randint(0, (last - first).days))


def years_from(day: date, years: int) -> date:
    """The same day so many years later (earlier if negative); 28 February for the 29th."""
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year + years, day=last)


def spouse_of(id_no: str) -> Person:
    """The living spouse that the simulated register of marriages knows of a person: always the same one."""
    rng = always(f"spouse/{id_no}")
    born = birth_of(id_no) or date(1945, 6, 15)
    sex: Sex = "female" if sex_of(id_no) == "male" else "male"
    return invent(rng, born + timedelta(days=rng.randint(-900, 900)), sex)


def always(text: str) -> random.Random:
    """A source of chance that gives the same for the same text, in every process."""
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
