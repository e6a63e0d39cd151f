"""The death is in doubt, or proved not to be so: the stop rests, or benefits run again and what fell due meanwhile is
owed to the living; what an heir may have been paid a person looks into.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.assistance.domain.benefit_stop import FAMILY, restored
from services.assistance.domain.ended import STOPS, stop_of
from services.assistance.domain.reviewing import review_standing, review_undone
from shared.catalog.services.assistance import BenefitsRestored
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.handling.procedure import Publish, Step
from shared.money import ZERO, yuan
from shared.roll import Restoring
from shared.stops.roll_check import running_in


def suspended(work: Work, ctx: Ctx) -> list[Step]:
    """The stop rests, and so do the money and the household review that follow from it."""
    return _standing(work, ctx, "suspended", money="suspended")


def in_force_again(work: Work, ctx: Ctx) -> list[Step]:
    """All as it was decided."""
    return _standing(work, ctx, "in_force")


def undone(work: Work, ctx: Ctx) -> list[Step]:
    """No stop, nothing owed to heirs, nothing overpaid; the benefits run, with what fell due meanwhile."""
    back = restored(running_in(work, FAMILY), beijing_date(ctx.now))
    steps = _standing(work, ctx, "reversed", money="reversed")
    arrears = [*STOPS.arrears(back, work, ctx), *review_undone(stop_of(work, ctx), work, ctx)]
    return [*steps, *arrears, *_published(back, work), *STOPS.recovery(work, ctx)]


def _standing(work: Work, ctx: Ctx, state: str, money: str | None = None) -> list[Step]:
    review = review_standing(stop_of(work, ctx), work, ctx, money)
    return [*STOPS.standing(work, ctx, state, money), *review]


def _published(back: Sequence[Restoring], work: Work) -> list[Step]:
    ref = work.item.person_ref
    if ref is None or not back:
        return []
    arrears = yuan(sum((r.arrears for r in back), ZERO))
    schemes = tuple(r.scheme for r in back)
    told = BenefitsRestored(person_ref=ref, schemes=schemes, from_month=back[0].from_month, arrears=arrears)
    return [Publish(told)]
