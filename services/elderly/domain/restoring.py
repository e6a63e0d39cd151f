"""The death is in doubt, or proved not to be so: the stop rests, or allowances run again and what fell due meanwhile is
owed to the living; what an heir may have been paid a person looks into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.elderly.domain.benefit_stop import FAMILY, restored
from services.elderly.domain.ended import STOPS
from services.elderly.domain.person import birth, person_of
from shared.catalog.services.elderly import AllowanceRestored
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.handling.procedure import Publish, Step
from shared.roll import Restoring
from shared.stops.roll_check import running_in


def suspended(work: Work, ctx: Ctx) -> list[Step]:
    """The stop rests, and so does the money that follows from it."""
    return STOPS.standing(work, ctx, "suspended", money="suspended")


def in_force_again(work: Work, ctx: Ctx) -> list[Step]:
    """All as it was decided."""
    return STOPS.standing(work, ctx, "in_force")


def undone(work: Work, ctx: Ctx) -> list[Step]:
    """No stop, nothing owed to heirs, nothing overpaid; the allowances run, with what fell due meanwhile."""
    back = restored(
        running_in(work, FAMILY), beijing_date(ctx.now), birth(person_of(work)), ctx.policy, work.item.region
    )
    steps = STOPS.standing(work, ctx, "reversed", money="reversed")
    return [*steps, *STOPS.arrears(back, work, ctx), *_published(back, work), *STOPS.recovery(work, ctx)]


def _published(back: Sequence[Restoring], work: Work) -> list[Step]:
    ref = work.item.person_ref
    if ref is None:
        return []
    place: dict[str, Any] = {"person_ref": ref, "region": work.item.region}
    told = [AllowanceRestored(**place, scheme=r.scheme, from_month=r.from_month, arrears=r.arrears) for r in back]
    return [Publish(message) for message in told]
