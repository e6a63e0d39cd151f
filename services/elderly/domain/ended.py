"""What a death ended, read from an item's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.elderly.domain.benefit_stop import FAMILY, Stop, payee_of, stop
from services.elderly.domain.common import birth, died_on, person_of
from shared.changes import Ctx
from shared.handling.model import Work
from shared.roll import Running, read_roll

ROLL, ROLL_TASK = "roll", "roll_check"


def running_in(work: Work) -> list[Running]:
    """What the roll says runs."""
    answer = work.answer(ROLL)
    return read_roll(answer["data"], FAMILY) if answer and answer["data"] else []


def stop_of(work: Work, ctx: Ctx) -> Stop:
    """All that ends with this death."""
    return stop(running_in(work), died_on(work), birth(person_of(work)), ctx.policy, work.item.region)


def payee_in(work: Work) -> Mapping[str, Any] | None:
    """The heir's account that the application names, None where it names none that may be paid."""
    return payee_of(work.part.form, deceased(work))


def deceased(work: Work) -> str | None:
    """The dead person's name."""
    name: str | None = work.part.parties.get("subject", {}).get("name")
    return name
