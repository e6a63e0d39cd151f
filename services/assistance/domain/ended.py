"""What a death ended, read from an item's answers."""

from __future__ import annotations

from typing import Final

from services.assistance.domain.benefit_stop import FAMILY, Stop, stop
from services.assistance.tables import STOPPED
from shared.changes import Ctx
from shared.death import died_on
from shared.handling.model import Work
from shared.stops.roll_check import running_in
from shared.stops.settling import Stops


def stop_of(work: Work, ctx: Ctx) -> Stop:
    """All that ends with this death."""
    return stop(running_in(work, FAMILY), died_on(work), ctx.policy, work.item.region)


STOPS: Final = Stops(STOPPED, stop_of)
