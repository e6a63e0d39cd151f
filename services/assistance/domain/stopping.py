"""逝者本人救助待遇停发 as a procedure: ex officio, on a confirmed death, by rule where the roll is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.assistance.domain import restoring
from services.assistance.domain.benefit_stop import FAMILY, Stop, review_due
from services.assistance.domain.ended import STOPS, stop_of
from services.assistance.domain.reviewing import opened, reassessed
from services.assistance.tables import STOPPED
from shared.catalog.protocol import Finding
from shared.catalog.services.assistance import BenefitsStopped
from shared.changes import Ctx
from shared.death import died_on, heir_account
from shared.handling.basis import law_of
from shared.handling.model import Work
from shared.handling.procedure import Conclude, Publish, Remember, Step, Write
from shared.outcomes import Decision
from shared.stops.roll_check import by_roll
from shared.stops.rows import stop_row


@dataclass(frozen=True)
class BenefitStopProcedure:
    """依职权: what was the dead person's own ends by rule; money paid too much is only ever proposed to a person."""

    matter: str = "assistance.benefit_stop"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Nothing for the family to bring."""
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The roll is asked at once; it is decided when the death is established."""
        return by_roll(work, ctx, FAMILY, work.part.parties["subject"], _conclude)

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the stops, what is owed to the heir, the public facts; the rest is opened for a person."""
        if work.item.outcome != Decision.APPROVED:
            return ()
        found = stop_of(work, ctx)
        return [
            Remember({"stopped_at": ctx.now.isoformat()}),
            *(Write(STOPPED.stop, stop_row(work.item, e, n, ctx.now)) for n, e in enumerate(found.endings)),
            *_published(found, work),
            *STOPS.sums(found, work, ctx),
            *opened(found, work, ctx),
        ]

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of an overpayment, of the household, or found out of the heir's account."""
        if work.item.phase == "revoked":
            return STOPS.recovered(work, ctx)
        return [*STOPS.decided(work, ctx), *reassessed(stop_of(work, ctx), work, ctx)]

    def frozen(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death is in doubt: the stop rests."""
        return restoring.suspended(work, ctx)

    def released(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death stands: all as it was decided."""
        return restoring.in_force_again(work, ctx)

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """There was no death: all runs again."""
        return restoring.undone(work, ctx)


def _conclude(work: Work, ctx: Ctx, reason: str, *, by_rule: bool) -> Conclude:
    law, found = law_of(work.item.matter, ctx), stop_of(work, ctx)
    if not found.endings and found.household is None:
        return Conclude(Decision.NOT_APPLICABLE, "NOT_ON_ROLL", law, by_rule=by_rule)
    payee = heir_account(work) if found.owed else None
    personal = {"payee": dict(payee)} if payee else {}
    result = found.public()
    if found.household is not None:
        due = review_due(died_on(work), ctx.policy, work.item.region)
        result["household_review"] = {"due": due.isoformat()}
    return Conclude(Decision.APPROVED, reason, law, result, personal, by_rule=by_rule)


def _published(found: Stop, work: Work) -> list[Step]:
    person_ref = work.item.person_ref
    if person_ref is None or not found.endings:
        return []
    schemes = tuple(e.scheme for e in found.endings)
    return [Publish(BenefitsStopped(person_ref=person_ref, schemes=schemes, from_month=found.endings[0].from_month))]
