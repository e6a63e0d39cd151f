"""The shapes of tasks as every service's routes answer them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from shared.http.documented import Shown
from shared.outcomes import Lamp


class TaskShown(Shown):
    """One task 待办; `data` says what it is about and holds nothing personal."""

    id: UUID
    service: str
    kind: str
    stage: str
    state: Literal["open", "claimed", "done", "cancelled"]
    matter: str | None
    application_no: str | None
    case_id: UUID | None
    item_id: UUID | None
    unit: str
    region: str
    due: date
    provisional: bool
    lamp: Lamp
    holder: str | None
    lease_until: datetime | None
    role: str
    reason_code: str
    opened_at: datetime
    closed_at: datetime | None
    data: dict[str, Any]


class TaskState(TaskShown):
    """The task as it stands after a command, in this version of its aggregate."""

    version: int


class TaskDetail(TaskState):
    """One task with what it is about, people masked; each service adds its own."""

    model_config = ConfigDict(extra="allow")

    may_act: bool
    kept_from_relatives: list[str]


class TaskPage(Shown):
    """Tasks by the day they are due."""

    items: list[TaskShown]
    next: str | None


class LeaseShown(Shown):
    """A task held until then; the lease is handed in with the decision."""

    lease: UUID
    expires_at: datetime
