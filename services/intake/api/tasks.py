"""`/tasks`: intake's own tasks, above all the checking of a fact that its source contradicts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.intake.domain import commitment, facts, objections, tolerance, visits
from services.intake.domain.duties import row
from services.intake.domain.model import Application
from services.intake.domain.sealing import unseal
from services.intake.tables import TASK
from shared.changes import Changes, Ctx
from shared.handling.api import task_router
from shared.handling.board import TaskBoard
from shared.handling.masking import mask_parties
from shared.handling.model import Task
from shared.handling.tasks import TaskDecision, find
from shared.spec import ServiceHandle

_DECIDED = {
    **dict.fromkeys(visits.KINDS, visits.reached),
    tolerance.OVERDUE: tolerance.decided,
    commitment.VERIFY: commitment.decided,
    commitment.FOLLOW_UP: commitment.followed_up,
    facts.OBJECTION_CHECK: objections.decided,
}


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """What a person's decision makes of the application, by the kind of its task; else it is about a fact."""
    task = find(state, decision.task_id)
    return _DECIDED.get(task.kind if task else "", facts.decided)(state, decision, ctx)


def router(handle: ServiceHandle) -> APIRouter:
    """The list of tasks, claim, release, decision."""
    return task_router(handle, TaskBoard("application", TASK, row, decided, detail, people))


def people(application: Application, ctx: Ctx) -> list[str]:
    """The references of those whose application it is, and of whom it speaks."""
    return [ref for ref in (application.applicant_ref, application.subject_ref, *_held(application)) if ref]


def _held(application: Application) -> list[str]:
    return [holding.whose for holding in application.holdings]


def detail(application: Application, task: Task, ctx: Ctx) -> dict[str, Any]:
    """What one who finds out is shown: which fact, of whom (masked), said to have happened when."""
    content = unseal(ctx.keyring, application.id, None, application.sealed_round, application.submission)
    fact = application.facts.get(str(task.data.get("fact")))
    return {
        "parties": mask_parties(content["parties"]),
        "fact": {"name": task.data.get("fact"), **(fact.model_dump(mode="json") if fact else {})},
        "tolerances": [t.model_dump(mode="json") for t in application.tolerances],
        "commitments": [c.model_dump(mode="json") for c in application.commitments],
    }
