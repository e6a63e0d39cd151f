"""The routes of tasks, the same for every service that has some: list, look, claim, release, decide."""

# Annotations stay values here: FastAPI reads those of functions made inside a function.

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.protocol import Finding
from shared.changes import Ctx
from shared.handling.board import TaskBoard, inside_of, reach_of, shown
from shared.handling.kinship import REFUSED
from shared.handling.shapes import LeaseShown, TaskDetail, TaskPage, TaskState
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.idempotency import Scope, optional_idempotency
from shared.http.paging import Paging, paging
from shared.http.recording import recorded
from shared.http.refusals import forbidden, not_found
from shared.http.versions import MinVersion, at_least
from shared.spec import ServiceHandle

_LONGEST = 2000
_CODE = r"^([A-Z][A-Z0-9_]*)?$"
"""Codes go into public events: words, which may tell of a person, have no place in them."""
_Key = Annotated[Scope | None, Depends(optional_idempotency)]


class DecisionBody(BaseModel):
    """A decision on a task, as the contract shapes it."""

    model_config = ConfigDict(extra="forbid")

    lease: UUID
    outcome: TaskOutcome
    reason_code: str = Field("", max_length=100, pattern=_CODE)
    comment: str = Field(
        "",
        max_length=_LONGEST,
        description="kept sealed; of a denial or non-acceptance it stands in the paper as its ground",
    )
    findings: list[Finding] = Field(default_factory=list, max_length=50)
    ground: str = Field("", max_length=100, pattern=_CODE)
    until: date | None = None
    result: dict[str, Any] = Field(default_factory=dict)

    def by(self, who: Principal, task_id: UUID) -> TaskDecision:
        """The decision with who takes it on which task."""
        return TaskDecision(
            task_id=task_id,
            lease=self.lease,
            outcome=self.outcome,
            by=who.account,
            reason_code=self.reason_code,
            comment=self.comment,
            findings=tuple(self.findings),
            ground=self.ground,
            until=self.until,
            result=self.result,
            name=who.name,
        )


class TaskFilter(BaseModel):
    """Which tasks are wanted; without `state` those that are open or claimed."""

    state: Literal["open", "claimed", "done", "cancelled"] | None = None
    kind: str | None = None
    mine: bool = False


def task_router(handle: ServiceHandle, board: TaskBoard) -> APIRouter:
    """`GET /tasks`, `GET /tasks/{id}`, `POST /tasks/{id}/claim|release|decision` over a board."""
    router = APIRouter(tags=["tasks"])
    tasks = _Tasks(handle, board)
    _add_looks(router, tasks, board)
    _add_acts(router, tasks, board)
    return router


def _add_looks(router: APIRouter, tasks: "_Tasks", board: TaskBoard) -> None:
    who_may = Depends(allow(*board.roles))

    @router.get("/tasks", **answers(TaskPage))
    async def list_tasks(
        wanted: Annotated[TaskFilter, Query()],
        place: Annotated[Paging, Depends(paging)],
        who: Annotated[Principal, who_may],
    ) -> dict[str, Any]:
        """Tasks within the caller's reach, those due first; without `state`, what is open or claimed."""
        return await tasks.page(wanted, place, who)

    @router.get("/tasks/{task_id}", **answers(TaskDetail))
    async def get_task(
        task_id: UUID, who: Annotated[Principal, who_may], min_version: MinVersion = 0
    ) -> dict[str, Any]:
        """One task with what it is about: people masked, findings, what sources answered, earlier decisions."""
        return await tasks.look(task_id, who, min_version)


def _add_acts(router: APIRouter, tasks: "_Tasks", board: TaskBoard) -> None:
    who_may, acts = Depends(allow(*board.roles)), [recorded(tasks.handle)]

    @router.post("/tasks/{task_id}/claim", dependencies=acts, **answers(LeaseShown))
    async def claim_task(task_id: UUID, who: Annotated[Principal, who_may], key: _Key) -> Any:
        """Takes the task for half an hour: the `lease` goes with the decision, and nobody else decides meanwhile."""
        return await tasks.act(
            task_id, who, key, lambda state, ctx: board.claim(state, task_id, who, ctx), "claim_task"
        )

    @router.post("/tasks/{task_id}/release", dependencies=acts, **answers(TaskState))
    async def release_task(task_id: UUID, who: Annotated[Principal, who_may], key: _Key) -> Any:
        """Gives a claimed task back."""
        return await tasks.act(
            task_id, who, key, lambda state, ctx: board.release(state, task_id, who, ctx), "release_task"
        )

    @router.post("/tasks/{task_id}/decision", dependencies=acts, **answers(TaskState))
    async def decide_task(task_id: UUID, body: DecisionBody, who: Annotated[Principal, who_may], key: _Key) -> Any:
        """Decides, as who holds the lease. `deny`, `not_accept` and `return` need a `reason_code`, `not_accept` a
        `comment` that says why in words (不予受理须书面说明理由), `request_correction` its `findings`, `pause` a `ground` of the matter and `until`, `resume` the ground, `extend` an `until`."""
        decision = body.by(who, task_id)
        return await tasks.act(
            task_id, who, key, lambda state, ctx: board.settle(state, decision, who, ctx), "decide_task"
        )


class _Tasks:
    """The board's SQL: a task is found by its row, its truth is its aggregate."""

    def __init__(self, handle: ServiceHandle, board: TaskBoard) -> None:
        self.handle, self._board = handle, board
        self._table = board.table.fullname

    async def page(self, wanted: TaskFilter, place: Paging, who: Principal) -> dict[str, Any]:
        after = place.place(date, UUID)
        now = self.handle.clock.now()
        async with self.handle.read() as conn:
            rows = await conn.fetch(
                _LIST.format(table=self._table),
                *reach_of(who, self._board.roles, self.handle.ctx(who.account)),
                wanted.state,
                wanted.kind,
                who.account if wanted.mine else None,
                now,
                after[0] if after else None,
                after[1] if after else None,
                place.fetch,
                *inside_of(who, self._board.roles, self.handle.ctx(who.account)),
            )
        service = self.handle.spec.name
        return place.page(
            [_plain(row) for row in rows],
            lambda row: (row["due"], row["id"]),
            lambda row: shown(row, service, now),
        )

    async def look(self, task_id: UUID, who: Principal, version: int) -> dict[str, Any]:
        owner = await self._owner(task_id)
        state = await at_least(lambda: self.handle.load(self._board.kind, owner), version)
        return self._board.look(state, task_id, who, self.handle.ctx(who.account))

    async def act(
        self, task_id: UUID, who: Principal, key: Scope | None, command: Callable[[Any, Ctx], Any], name: str
    ) -> Any:
        command.__name__ = name  # the audit row names what was done
        aggregate_id = await self._owner(task_id)
        answer = await self.handle.command(self._board.kind, aggregate_id, command, actor=who.account, idempotency=key)
        if isinstance(answer, dict) and answer.get("refused") == REFUSED:
            raise forbidden(REFUSED)
        return answer

    async def _owner(self, task_id: UUID) -> UUID:
        async with self.handle.read() as conn:
            found: UUID | None = await conn.fetchval(f"SELECT aggregate_id FROM {self._table} WHERE id = $1", task_id)
        if found is None:
            raise not_found()
        return found


_LIST = """
SELECT * FROM {table} AS task
WHERE (region LIKE ANY($1::text[]) OR unit = ANY($2::text[]) OR EXISTS (
    SELECT FROM unnest($3::text[], $4::text[]) AS mine(role, place)
    WHERE mine.role = task.role AND task.region LIKE mine.place))
  AND CASE
    WHEN $5::text IS NULL THEN state IN ('open', 'claimed')
    WHEN $5 = 'open' THEN state = 'open' OR (state = 'claimed' AND lease_until <= $8)
    WHEN $5 = 'claimed' THEN state = 'claimed' AND lease_until > $8
    ELSE state = $5 END
  AND ($6::text IS NULL OR kind = $6)
  AND ($7::text IS NULL OR (holder = $7 AND lease_until > $8))
  AND (matter IS NULL OR matter <> ALL($12::text[]) OR unit = ANY($13::text[]) OR EXISTS (
    SELECT FROM unnest($14::text[], $15::text[]) AS section(service, place)
    WHERE section.service = split_part(task.matter, '.', 1) AND task.region LIKE section.place))
  AND ($9::date IS NULL OR (due, id) > ($9, $10::uuid))
ORDER BY due, id
LIMIT $11
"""


def _plain(row: Any) -> dict[str, Any]:
    found = dict(row)
    if isinstance(found["data"], str | bytes):
        found["data"] = orjson.loads(found["data"])
    return found
