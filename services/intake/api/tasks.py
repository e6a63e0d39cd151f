"""`/tasks`: intake's own tasks, above all the checking of a fact that its source contradicts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.intake.domain import facts, objections, visits
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
from shared.runtime.spec import ServiceHandle


def decided(state: Application, decision: TaskDecision, ctx: Ctx) -> Changes[Application]:
    """What a decision does: of a call or a visit, that the applicant was reached; of an objection; else about a fact."""
    task = find(state, decision.task_id)
    if task is not None and task.kind in visits.KINDS:
        return visits.reached(state, decision, ctx)
    if task is not None and task.kind == facts.OBJECTION_CHECK:
        return objections.decided(state, decision, ctx)
    return facts.decided(state, decision, ctx)


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
    }
