"""Intake's routes: applications, drafts, progress, search, tasks; and the public catalogue."""

from __future__ import annotations

from fastapi import APIRouter

from services.intake.api import applications, changes, drafts, objections, papers, progress, searching, tasks
from shared.runtime.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """Everything under `/api/intake`."""
    whole = APIRouter()
    for part in (searching, applications, changes, objections, drafts, papers, progress, tasks):
        whole.include_router(part.router(handle))
    return whole
