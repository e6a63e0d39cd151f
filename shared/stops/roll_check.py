"""The roll as a stop goes by it: asked at once, and read by a rule; where its own entries disagree a person compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from shared.catalog.deaths import claimed_day
from shared.changes import Ctx
from shared.handling.basis import days, law_of
from shared.handling.model import Work
from shared.handling.procedure import AskSource, Conclude, OpenTask, Step
from shared.handling.tasks import TaskOutcome
from shared.outcomes import Decision, FactStatus
from shared.roll import SOURCE, Running, question, read_roll

ROLL: Final = "roll"
ROLL_TASK: Final = "roll_check"


class Concludes(Protocol):
    """How a service concludes its stop, for this reason."""

    def __call__(self, work: Work, ctx: Ctx, reason: str, *, by_rule: bool) -> Conclude:
        """The conclusion, by rule or by a person."""


def running_in(work: Work, family: str) -> list[Running]:
    """What the roll says runs of this family of benefits."""
    answer = work.answer(ROLL)
    return read_roll(answer["data"], family) if answer and answer["data"] else []


def by_roll(work: Work, ctx: Ctx, family: str, person: Mapping[str, Any], conclude: Concludes) -> list[Step]:
    """The roll is asked at once; it is concluded when the death is established."""
    asked = question(family, work.item.person_ref, person, claimed_day(work.part.form).isoformat())
    steps: list[Step] = [AskSource(ROLL, SOURCE, asked, "在册待遇名册")]
    answer = work.answer(ROLL)
    if answer is None or not work.item.ready:
        return steps
    if answer["status"] == FactStatus.CONTRADICTED:
        return [*steps, *_by_person(work, ctx, family, conclude)]
    return [*steps, conclude(work, ctx, "DEATH_CONFIRMED", by_rule=True)]


def _by_person(work: Work, ctx: Ctx, family: str, conclude: Concludes) -> list[Step]:
    decision = work.decision(ROLL_TASK)
    if decision is None:
        left = days(work, ctx, "review")
        return [OpenTask(ROLL_TASK, "review", "handler", left, "SOURCE_CONTRADICTS", four_eyes=True)]
    reason = decision.reason_code or "DECIDED_BY_PERSON"
    if decision.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, reason, law_of(work.item.matter, ctx))]
    if decision.outcome == TaskOutcome.APPROVE and running_in(work, family):
        return [conclude(work, ctx, reason, by_rule=False)]
    return []  # ex officio: it cannot be denied, nor stopped where nothing is known to run
