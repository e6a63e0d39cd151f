"""Intake's routes: applications, files, drafts, papers, progress, readings, search, tasks; and the public catalogue."""

from __future__ import annotations

from fastapi import APIRouter

from services.intake.api import (
    applications,
    changes,
    drafts,
    files,
    objections,
    papers,
    progress,
    readings,
    searching,
    tasks,
)
from shared.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """Everything under `/api/intake`."""
    whole = APIRouter()
    for part in (searching, applications, changes, objections, drafts, files, papers, progress, readings, tasks):
        whole.routes += part.router(handle).routes  # one list: each router within another matches every request anew
    return whole
