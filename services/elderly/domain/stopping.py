"""逝者养老待遇停发 as a procedure: ex officio, on a confirmed death, by rule where the roll is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.elderly.domain import restoring
from services.elderly.domain.benefit_stop import FAMILY, Stop
from services.elderly.domain.ended import STOPS, stop_of
from services.elderly.domain.person import person_of
from services.elderly.tables import STOPPED
from shared.catalog.protocol import Finding
from shared.catalog.services.elderly import AllowanceStopped
from shared.changes import Ctx
from shared.death import heir_account
from shared.handling.basis import law_of
from shared.handling.model import Work
from shared.handling.procedure import Conclude, Publish, Remember, Step, Write
from shared.outcomes import Decision
from shared.stops.roll_check import by_roll
from shared.stops.rows import stop_row


@dataclass(frozen=True)
class BenefitStopProcedure:
    """依职权: what was the dead person's own ends by rule; money paid too much is only ever proposed to a person."""

    matter: str = "elderly.benefit_stop"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Nothing for the family to bring."""
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The roll is asked at once; it is decided when the death is established."""
        return by_roll(work, ctx, FAMILY, person_of(work), _conclude)

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the stops, what is owed to the heir, the public facts; overpaid or payee unknown: a person."""
        if work.item.outcome != Decision.APPROVED:
            return ()
        found = stop_of(work, ctx)
        return [
            Remember({"stopped_at": ctx.now.isoformat()}),
            *(Write(STOPPED.stop, stop_row(work.item, e, n, ctx.now)) for n, e in enumerate(found.endings)),
            *_published(found, work),
            *STOPS.sums(found, work, ctx),
        ]

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of an overpayment (recovered or waived), or found out of the heir's account."""
        if work.item.phase == "revoked":
            return STOPS.recovered(work, ctx)
        return STOPS.decided(work, ctx)

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
    if not found.endings:
        return Conclude(Decision.NOT_APPLICABLE, "NOT_ON_ROLL", law, by_rule=by_rule)
    payee = heir_account(work) if found.owed else None
    personal = {"payee": dict(payee)} if payee else {}
    return Conclude(Decision.APPROVED, reason, law, found.public(), personal, by_rule=by_rule)


def _published(found: Stop, work: Work) -> list[Step]:
    person_ref = work.item.person_ref
    if person_ref is None:
        return []
    return [
        Publish(
            AllowanceStopped(
                person_ref=person_ref,
                scheme=e.scheme,
                region=work.item.region,
                from_month=e.from_month,
                owed=e.owed,
            )
        )
        for e in found.endings
    ]
