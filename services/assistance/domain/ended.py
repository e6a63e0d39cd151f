"""What a death ended, read from an item's answers."""

from __future__ import annotations

from typing import Final

from services.assistance.domain.benefit_stop import FAMILY, Stop, stop
from services.assistance.tables import STOPPED
from shared.changes import Ctx
from shared.death import died_on
from shared.handling.model import Work
from shared.roll import Running, read_roll
from shared.stops.settling import Stops

ROLL, ROLL_TASK = "roll", "roll_check"


def running_in(work: Work) -> list[Running]:
    """What the roll says runs."""
    answer = work.answer(ROLL)
    return read_roll(answer["data"], FAMILY) if answer and answer["data"] else []


def stop_of(work: Work, ctx: Ctx) -> Stop:
    """All that ends with this death."""
    return stop(running_in(work), died_on(work), ctx.policy, work.item.region)


STOPS: Final = Stops(STOPPED, stop_of)
