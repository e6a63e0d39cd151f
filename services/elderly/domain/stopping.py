"""逝者养老待遇停发 as a procedure: ex officio, on a confirmed death, by rule where the roll is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.elderly.domain import restoring
from services.elderly.domain.benefit_stop import FAMILY, Stop
from services.elderly.domain.ended import ROLL, ROLL_TASK, STOPS, running_in, stop_of
from services.elderly.domain.person import person_of
from services.elderly.tables import STOPPED
from shared.catalog.protocol import Finding
from shared.catalog.services.elderly import AllowanceStopped
from shared.changes import Ctx
from shared.death import heir_account
from shared.handling.basis import days, law_of
from shared.handling.model import Work
from shared.handling.procedure import AskSource, Conclude, OpenTask, Publish, Remember, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.outcomes import Decision, FactStatus
from shared.roll import SOURCE, question
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
        asked = _ask(work)
        answer = work.answer(ROLL)
        if answer is None or not work.item.ready:
            return [asked]
        if answer["status"] == FactStatus.CONTRADICTED:
            return [asked, *_by_person(work, ctx)]
        return [asked, _conclude(work, ctx, "DEATH_CONFIRMED", by_rule=True)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the stops, what is owed to the heir, the public facts; overpaid or payee unknown: a person."""
        if work.item.outcome != Decision.APPROVED:
            return ()
        found = stop_of(work, ctx)
        return [
            Remember({"stopped_at": ctx.now.isoformat()}),
            *(Write(STOPPED.stop, stop_row(work.item, e, n, ctx.now)) for n, e in enumerate(found.endings)),
            *_published(found, work),
            *STOPS.sums(work, ctx),
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


def _ask(work: Work) -> AskSource:
    claimed = work.part.form["death"]["date"]
    asked = question(FAMILY, work.item.person_ref, person_of(work), claimed)
    return AskSource(ROLL, SOURCE, asked, "在册待遇名册")


def _conclude(work: Work, ctx: Ctx, reason: str, *, by_rule: bool) -> Conclude:
    law, found = law_of(work.item.matter, ctx), stop_of(work, ctx)
    if not found.endings:
        return Conclude(Decision.NOT_APPLICABLE, "NOT_ON_ROLL", law, by_rule=by_rule)
    payee = heir_account(work) if found.owed else None
    personal = {"payee": dict(payee)} if payee else {}
    return Conclude(Decision.APPROVED, reason, law, found.public(), personal, by_rule=by_rule)


def _by_person(work: Work, ctx: Ctx) -> list[Step]:
    """The roll's own entries disagree: a person compares them."""
    decision = work.decision(ROLL_TASK)
    if decision is None:
        left = days(work, ctx, "review")
        return [OpenTask(ROLL_TASK, "review", "handler", left, "SOURCE_CONTRADICTS", four_eyes=True)]
    reason = decision.reason_code or "DECIDED_BY_PERSON"
    if decision.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, reason, law_of(work.item.matter, ctx))]
    if decision.outcome == TaskOutcome.APPROVE and running_in(work):
        return [_conclude(work, ctx, reason, by_rule=False)]
    return []  # ex officio: it cannot be denied, nor stopped where nothing is known to run


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
