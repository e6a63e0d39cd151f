"""Invented families from a seed, and the applications they hand in: the same seed and day, the same family."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from demo.people import DISTRICT, SURNAMES, Person, always, day_between, invent, spouse_of, years_from
from shared.identity import Sex

FUNERAL_HOME = "FH-420112-01"
HOUSEHOLD_INCOME, OWN_INCOME = "1500.00", "600.00"
"""Yuan a month of the household of the second story, and what of it was the dead person's."""
BEFORE, AFTER = "990.00", "760.00"
"""Its allowance before and after: 3 x 830 - 1500, then 2 x 830 - 900."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family after a death: who died and when, the heir who applies, the spouse who lives, the bill."""

    seed: int
    deceased: Person
    died_on: date
    heir: Person
    spouse: Person
    phone: str
    account: str
    place_kind: str
    ashes: str
    fee_items: tuple[dict[str, Any], ...]

    @property
    def members(self) -> tuple[Person, ...]:
        """The household before the death."""
        return self.deceased, self.spouse, self.heir


def invent_family(seed: int, today: date) -> Family:
    """A family whose father or mother, 80 to 96 years old, died a few days before `today` (a Beijing date)."""
    rng = always(f"family/{seed}")
    died_on = today - timedelta(days=rng.randint(4, 9))
    sex: Sex = rng.choice(("male", "female"))
    # A year and more past eighty, so that the roll has had a whole quarter to pay.
    born = day_between(rng, years_from(died_on, -96), years_from(died_on, -81))
    deceased = invent(rng, born, sex)
    spouse = spouse_of(deceased.id_no)
    if deceased.surname == spouse.surname:
        deceased = replace(deceased, name=_other(deceased.surname) + deceased.name[1:])
    father = deceased if sex == "male" else spouse
    child_born = day_between(rng, years_from(born, 24), years_from(born, 34))
    child_sex: Sex = rng.choice(("male", "female"))
    ashes = rng.choice(("stored", "claimed"))
    return Family(
        seed=seed,
        deceased=deceased,
        died_on=died_on,
        heir=invent(rng, child_born, child_sex, surname=father.surname, child=True),
        spouse=spouse,
        phone=f"1380000{rng.randrange(10_000):04d}",
        account=f"6222020000000{rng.randrange(1_000_000):06d}",
        place_kind=rng.choice(("hospital", "home", "institution")),
        ashes=ashes,
        fee_items=_bill(rng, stored=ashes == "stored"),
    )


household_family = invent_family
"""A family for the second story: its three members live together; only the roll makes the difference."""


def bereavement_application(family: Family, today: date) -> dict[str, Any]:
    """What the heir hands in at the window on `today`, as `POST /api/intake/applications` takes it."""
    if today < family.died_on:
        raise ValueError("nobody applies before the death")
    return {
        "bundle": "bereavement",
        "channel": "window",
        "accept_region": DISTRICT,
        "applicant": family.heir.party("applicant", phone=family.phone, relation="child"),
        "subject": family.deceased.party("deceased"),
        "form": _form(family),
        "materials": [
            {"type": "death_certificate", "source": "shared"},
            {"type": "cremation_certificate", "source": "platform"},
            {"type": "kinship_proof", "source": "commitment"},
        ],
    }


def _other(surname: str) -> str:
    return SURNAMES[SURNAMES.index(surname) - 1]


def _form(family: Family) -> dict[str, Any]:
    return {
        "death": {
            "date": family.died_on.isoformat(),
            "place_kind": family.place_kind,
            "place_region": DISTRICT,
            "manner": "natural",
            "cert_no": family.deceased.id_no,
        },
        "disposition": "cremated",
        "funeral_home": FUNERAL_HOME,
        "ashes": family.ashes,
        "fee_items": [dict(item) for item in family.fee_items],
        "kinship_commitment": True,
        "electronic_delivery": True,
        "payee": {"holder": family.heir.name, "number": family.account, "for": ["unpaid_benefits"]},
    }


def _bill(rng: random.Random, *, stored: bool) -> tuple[dict[str, Any], ...]:
    """Basic services within what is waived, so that the family has nothing to pay."""
    days = rng.randint(1, 3)
    lines = [
        ("transport", 1, rng.choice((220, 260, 300))),
        ("cold_storage", days, days * rng.choice((60, 80))),
        ("cremation", 1, 190),
        ("urn", 1, rng.choice((100, 120, 150))),
    ]
    if stored:
        lines.append(("ash_storage", 12, 100))
    return tuple({"code": code, "quantity": quantity, "charged": f"{yuan}.00"} for code, quantity, yuan in lines)
