"""What the simulated sources say of people nobody has described: they confirm what an application states.

The same question has the same answer, in every process and after every restart. Of a number that is not valid, and
of anything not listed at the foot, nothing is known: silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from demo.people import always, spouse_of
from shared.facts.port import FactAnswer, Question
from shared.identity import age_on, birth_of, check_id_no, normalise_id_no
from shared.months import last_day
from shared.outcomes import FactStatus

TIERS = ((100, "500.00"), (90, "200.00"), (80, "100.00"))
"""Yuan a month of the age allowance from an age on (policy of the demonstration district, unverified)."""


def answer(question: Question, today: date) -> FactAnswer | None:
    """The default answer of a source, or None; `today` is the Beijing date."""
    said = DEFAULTS.get(question.source)
    known = question.question
    number = _number(known, today)
    return said(number, known, today) if said and number else None


def age_allowance(number: str, died_on: date) -> dict[str, Any] | None:
    """What the roll pays a person of 80 and over on the day of the death: yuan a month, and through which month."""
    born = birth_of(number)
    if born is None or age_on(born, died_on, "FEB28") < TIERS[-1][0]:
        return None
    since = f"{born.year + TIERS[-1][0]}-{born.month:02d}"
    paid_through = last_whole_quarter(died_on)
    age = age_on(born, last_day(max(paid_through, since)), "FEB28")
    monthly = next(amount for least, amount in TIERS if age >= least)
    paid = {"paid_through": paid_through} if paid_through >= since else {}
    return {"scheme": "age_allowance", "family": "elderly", "monthly": monthly, "since": since, **paid}


def last_whole_quarter(day: date) -> str:
    """The last month (`YYYY-MM`) of the last quarter that ended before this day's quarter."""
    month = (day.month - 1) // 3 * 3
    return f"{day.year}-{month:02d}" if month else f"{day.year - 1}-12"


def _number(known: Mapping[str, Any], today: date) -> str | None:
    person = known.get("person")
    person = person if isinstance(person, Mapping) else known
    kind, raw = str(person.get("id_type", "")), str(person.get("id_no") or "")
    if not raw or check_id_no(kind, raw, today) is not None:
        return None
    return normalise_id_no(kind, raw)


def _confirmed(source: str, number: str, data: Mapping[str, Any]) -> FactAnswer:
    serial = always(f"{source}/{number}").randrange(10**8)
    return FactAnswer(FactStatus.CONFIRMED, data, source, f"DEMO-{serial:08d}")


def _death(number: str, known: Mapping[str, Any], today: date) -> FactAnswer | None:
    if not known.get("died_on"):
        return None
    person = known.get("person") or known
    return _confirmed("death", number, {"name": person.get("name"), "id_no": number, "died_on": known["died_on"]})


def _cremation(number: str, known: Mapping[str, Any], today: date) -> FactAnswer | None:
    if not known.get("died_on"):
        return None
    cremated_on = min(date.fromisoformat(str(known["died_on"])) + timedelta(days=2), today)
    serial = always(f"certificate/{number}").randrange(10**6)
    data = {
        "died_on": known["died_on"],
        "cremated_on": cremated_on.isoformat(),
        "home_no": known.get("home_no"),
        "certificate_no": f"HH{cremated_on:%Y}{serial:06d}",
    }
    stated = {"charges": known["charges"]} if known.get("charges") else {}
    return _confirmed("cremation", number, {**data, **stated})


def _roll(number: str, known: Mapping[str, Any], today: date) -> FactAnswer | None:
    """What ran until a death; of the living nothing is known to run, so that they may apply."""
    allowance = None
    if known.get("family") == "elderly" and known.get("died_on"):
        allowance = age_allowance(number, date.fromisoformat(str(known["died_on"])))
    return _confirmed("benefit_roll", number, {"benefits": [allowance] if allowance else []})


def _marriage(number: str, known: Mapping[str, Any], today: date) -> FactAnswer | None:
    spouse = spouse_of(number)
    born = birth_of(number)
    registered = (born.replace(day=1) if born else date(1965, 1, 1)) + timedelta(days=24 * 365)
    record = {
        "cert_no": f"J420112-{registered.year}-{always(f'record/{number}').randrange(10**6):06d}",
        "registered_on": registered.isoformat(),
        "status": "married",
        "spouse": {"name": spouse.name, "id_type": "resident_id", "id_no": spouse.id_no, "alive": True},
    }
    return _confirmed("marriage_record", number, {"records": [record]})


DEFAULTS: Mapping[str, Callable[[str, Mapping[str, Any], date], FactAnswer | None]] = {
    "death": _death,
    "cremation": _cremation,
    "benefit_roll": _roll,
    "marriage_record": _marriage,
}
