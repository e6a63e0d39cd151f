"""What both matters need: the law to cite, who decides, a task for a person."""

from __future__ import annotations

from typing import Any

from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling import basis
from shared.handling.model import DecisionRecord, Work
from shared.handling.procedure import Conclude, OpenTask
from shared.handling.tasks import TaskOutcome
from shared.outcomes import Decision

ROLE = "handler"
LAW_NUMBERS = {"funeral.cremation": 1, "funeral.fee_waiver": 2}
"""How many of a matter's bases its papers cite: those that its entry names first."""


def law_of(matter: str, ctx: Ctx) -> str:
    """The bases that a paper of this matter cites."""
    return basis.law_of(matter, ctx, LAW_NUMBERS[matter])


def by_rule(work: Work, ctx: Ctx) -> bool:
    """Whether policy lets a rule decide this matter here today."""
    return bool(_handling(work, ctx)["by_rule"])


def person_task(kind: str, reason: str, work: Work, ctx: Ctx, **data: Any) -> OpenTask:
    """A task for a handler of the item's unit, due by policy; `data` holds nothing personal."""
    days = int(_handling(work, ctx)["task_days"])
    return OpenTask(kind, "review", ROLE, days, reason, data=data, four_eyes=True)


def refusal(decision: DecisionRecord, law: str, *outcomes: TaskOutcome) -> list[Conclude]:
    """The conclusion of a person who does not grant, if the matter may end so; else nothing, which is refused."""
    ends = {TaskOutcome.DENY: Decision.DENIED, TaskOutcome.NOT_APPLICABLE: Decision.NOT_APPLICABLE}
    if decision.outcome not in outcomes:
        return []
    outcome = ends[TaskOutcome(decision.outcome)]
    return [Conclude(outcome, decision.reason_code or "DECIDED_BY_PERSON", law)]


def _handling(work: Work, ctx: Ctx) -> dict[str, Any]:
    entry = ctx.policy.find(f"{work.item.matter}.handling", work.item.region, beijing_date(ctx.now))
    found: dict[str, Any] = entry.value
    return found
