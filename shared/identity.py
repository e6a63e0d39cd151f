"""Identity numbers: their form and check digits, and what they tell: birth, age, sex."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final, Literal, get_args

from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_2

IdType = Literal["resident_id", "hmt_residence", "foreign_permanent", "passport", "uscc", "unknown"]
LeapRule = Literal["FEB28", "MAR1"]
Sex = Literal["male", "female"]
IdProblem = Literal[
    "ID_TYPE", "ID_REQUIRED", "ID_UNEXPECTED", "ID_FORMAT", "ID_CHECK_DIGIT", "ID_BIRTH_DATE"
]  # fmt: skip
"""What may be wrong with a number, by its code."""

_OLDEST = 130  # years; a number that makes its holder older is a typing error
LONGEST: Final = 64
"""Characters of a number however it is spaced. What is longer is none, and is left as it is: putting a text into one form
takes time that grows with the square of its combining marks."""
_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN = re.compile(r"[0-9]{15}")
_USCC_SET = "0-9A-HJ-NPQRTUWXY"
_USCC = re.compile(rf"[{_USCC_SET}]{{2}}[0-9]{{6}}[{_USCC_SET}]{{10}}")
_FOREIGN_OLD = re.compile(r"[A-Z]{3}[0-9]{12}")
_PASSPORT = re.compile(r"[A-Z0-9]{5,17}")
# First digits that tell the 18-digit documents apart: 81 香港, 82 澳门, 83 台湾 residence permits; 9 foreigners.
_PREFIX: Final = {
    "resident_id": re.compile(r"[1-7]"),
    "hmt_residence": re.compile(r"8[123]"),
    "foreign_permanent": re.compile(r"9"),
}


def normalise_id_no(id_type: str, raw: str) -> str:
    """The one way a number is written: half-width capitals, no spaces or hyphens, 15-digit numbers made 18."""
    if len(raw) > LONGEST:
        return raw
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", raw)).upper()
    if id_type == "resident_id" and _FIFTEEN.fullmatch(number):
        return upgrade_15(number)
    return number


def upgrade_15(number: str) -> str:
    """The 18-digit number (GB 11643-1999) of an old 15-digit one, whose births are all of the 1900s."""
    body = f"{number[:6]}19{number[6:]}"
    return body + mod_11_2.calc_check_digit(body)


def check_id_no(id_type: str, raw: str | None, today: date) -> IdProblem | None:
    """What is wrong with a number of this type, as a stable code, or None; `today` is the Beijing date.

    Unknown county codes are not refused: codes of abolished counties stay in numbers for life.
    """
    if id_type not in get_args(IdType):
        return "ID_TYPE"
    number = normalise_id_no(id_type, raw or "")
    if id_type == "unknown":
        return "ID_UNEXPECTED" if number else None
    if not number:
        return "ID_REQUIRED"
    if id_type == "passport":
        return None if _PASSPORT.fullmatch(number) else "ID_FORMAT"
    if id_type == "uscc":
        return _check_uscc(number)
    if id_type == "foreign_permanent" and _FOREIGN_OLD.fullmatch(number):
        return None
    return _check_eighteen(id_type, number, today)


def _check_uscc(number: str) -> IdProblem | None:
    # The library's own validate() refuses registering codes with letters (N2… of rural collectives), so only its sum.
    if not _USCC.fullmatch(number):
        return "ID_FORMAT"
    return None if uscc.calc_check_digit(number[:-1]) == number[-1] else "ID_CHECK_DIGIT"


def _check_eighteen(id_type: str, number: str, today: date) -> IdProblem | None:
    # The library's own validate() refuses counties that it does not list, so only its sum.
    if not _EIGHTEEN.fullmatch(number):
        return "ID_FORMAT"
    if ric.calc_check_digit(number) != number[-1]:
        return "ID_CHECK_DIGIT"
    if not _PREFIX[id_type].match(number):
        return "ID_TYPE"
    born = birth_of(number)
    if born is None or born > today or today.year - born.year > _OLDEST:
        return "ID_BIRTH_DATE"
    return None


def birth_of(id_no: str) -> date | None:
    """The birth date in an 18-digit number, or None where the number holds none (or an impossible one)."""
    if not _EIGHTEEN.fullmatch(id_no):
        return None
    try:
        return date(int(id_no[6:10]), int(id_no[10:12]), int(id_no[12:14]))
    except ValueError:
        return None


def sex_of(id_no: str) -> Sex | None:
    """The sex in an 18-digit number (the 17th digit, odd is male), or None where the number holds none."""
    if not _EIGHTEEN.fullmatch(id_no):
        return None
    return "male" if int(id_no[16]) % 2 else "female"


def age_on(birth: date, on: date, leap_rule: LeapRule) -> int:
    """Full years of age (周岁) on a day, the birthday itself counted as reached; below zero before birth.

    Born on 29 February, the birthday of a common year is 28 February (`FEB28`) or 1 March (`MAR1`):
    each service's policy says which.
    """
    birthday = (birth.month, birth.day)
    leap = on.year % 4 == 0 and (on.year % 100 != 0 or on.year % 400 == 0)
    if birthday == (2, 29) and not leap:
        birthday = (2, 28) if leap_rule == "FEB28" else (3, 1)
    return on.year - birth.year - ((on.month, on.day) < birthday)


def org_code_check_digit(body: str) -> str:
    """The check character of an organisation code of 8 characters (GB 11714), the inner part of a credit code."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(char, 36) * weight for char, weight in zip(body, weights, strict=True))
    return "0123456789X"[(11 - total % 11) % 11]
