"""Routes of the library: tasks."""

from __future__ import annotations

from fastapi import APIRouter

from shared.handling.api import task_router
from shared.handling.board import item_board
from shared.spec import ServiceHandle
from tests.support.fifth.library.handlers import PARTS
from tests.support.fifth.library.tables import HANDLING


def router(handle: ServiceHandle) -> APIRouter:
    """All routes, without the service's prefix."""
    return task_router(handle, item_board(HANDLING.task, PARTS.engine.decide))
