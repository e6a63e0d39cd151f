"""What a death ended, read from an item's answers."""

from __future__ import annotations

from typing import Final

from services.elderly.domain.benefit_stop import FAMILY, Stop, stop
from services.elderly.domain.person import birth, person_of
from services.elderly.tables import STOPPED
from shared.changes import Ctx
from shared.death import died_on
from shared.handling.model import Work
from shared.stops.roll_check import running_in
from shared.stops.settling import Stops


def stop_of(work: Work, ctx: Ctx) -> Stop:
    """All that ends with this death."""
    return stop(running_in(work, FAMILY), died_on(work), birth(person_of(work)), ctx.policy, work.item.region)


STOPS: Final = Stops(STOPPED, stop_of)
