"""Identity numbers: form, check digits, dates; masking; keyed references that stand for a person; case numbers."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args
from uuid import UUID

from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_2

from shared.regions import is_region

IdType = Literal["resident_id", "hmt_residence", "foreign_permanent", "passport", "uscc", "unknown"]
LeapRule = Literal["FEB28", "MAR1"]
Sex = Literal["male", "female"]
IdProblem = Literal[
    "ID_TYPE", "ID_REQUIRED", "ID_UNEXPECTED", "ID_FORMAT", "ID_CHECK_DIGIT", "ID_BIRTH_DATE"
]  # fmt: skip

MESSAGES: Final[dict[IdProblem, str]] = {
    "ID_TYPE": "证件类型与证件号码不符,请核对证件类型 / the number belongs to another type of document",
    "ID_REQUIRED": "请填写证件号码 / the number is missing",
    "ID_UNEXPECTED": "身份不明时不填证件号码 / leave the number out when the person is unknown",
    "ID_FORMAT": "证件号码格式不对,请核对位数和字符 / the number has not the form of its type",
    "ID_CHECK_DIGIT": "证件号码校验位不符,请核对有无错号 / the check digit does not fit, a digit is wrong",
    "ID_BIRTH_DATE": "证件号码中的出生日期不存在或不合理 / the birth date in the number is not possible",
}

_OLDEST = 130  # years; a number that makes its holder older is a typing error
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


# --- masking: what a person without need sees ---


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


# --- case numbers ---

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


# --- keyed references ---


class PersonIndex:
    """References that stand for a person or a value without telling it: HMAC-SHA-256 under the index key.

    The key (32 bytes or more, else `ValueError`) is never rotated: references stay the same for good.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the index key has at least 32 bytes")
        self._key = key

    def __repr__(self) -> str:
        return "PersonIndex(…)"

    def person_ref(self, id_type: str, id_no: str) -> str:
        """`p1_` and 64 hex digits: the same for every way of writing one number of one type."""
        return "p1_" + _hmac(self._key, "person", id_type, normalise_id_no(id_type, id_no))

    def unknown_person_ref(self, random_id: UUID) -> str:
        """A `p1_` reference for a person nobody can name yet, from a fresh id that the caller keeps."""
        return "p1_" + _hmac(self._key, "unknown", random_id.hex)

    def blind(self, name: str, value: str) -> str:
        """`b1_` and 64 hex digits: finds an equal value of the same field, spaces and width aside."""
        plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", value)).strip().casefold()
        return "b1_" + _hmac(self._key, "blind", name, plain)


def subject_ref(department_key: bytes, person_ref: str) -> str:
    """`s1_` and 64 hex digits: what one department sees in place of `person_ref`; two departments cannot join on it."""
    if len(department_key) < 32:
        raise ValueError("a department's key has at least 32 bytes")
    return "s1_" + _hmac(department_key, "subject", person_ref)


def _hmac(key: bytes, *parts: str) -> str:
    return hmac.digest(key, "\x1f".join(parts).encode(), hashlib.sha256).hex()
