"""A village or community only assists: whoever acts there decides nothing, whatever role is given to them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.handling.board import item_board
from shared.handling.tasks import TaskDecision, TaskOutcome, claim
from shared.http.principal import Principal, RoleInUnit
from shared.http.refusals import HttpError
from tests.support.fake_ctx import UNITS, fake_ctx, item_requested
from tests.support.toy_procedure import TABLES, toy_engine

VILLAGE = {"code": "village", "kind": "village", "region": "420112001201", "parent": "town", "attributes": {}}
CTX = fake_ctx(units={**UNITS, "village": VILLAGE})
ENGINE = toy_engine()
BOARD = item_board(TABLES.task, ENGINE.decide)


def in_village(role: str) -> Principal:
    return Principal("wei", "韦", "staff", (RoleInUnit(role, "village", "420112001000"),))


def waiting() -> Any:
    request = item_requested(CTX, "toy.thing", {"people": True}, unit="town")
    return ENGINE.on_item_requested(None, request, CTX).state


@pytest.mark.parametrize("role", ["handler", "village_worker"])
def test_whoever_acts_in_a_village_claims_no_task(role):
    """Assistance paper, corrections 2: 村(居)委会只协助."""
    item = waiting()
    with pytest.raises(HttpError, match="VILLAGE_ASSISTS") as refused:
        BOARD.claim(item, item.tasks[0].id, in_village(role), CTX)
    assert refused.value.status == 403


def test_a_decision_from_a_village_is_refused_though_the_task_was_claimed():
    item = waiting()
    task = claim(item, item.tasks[0].id, "wei", CTX.now)
    assert task.lease is not None
    decision = TaskDecision(task.id, task.lease, TaskOutcome.APPROVE, "wei")
    with pytest.raises(HttpError, match="VILLAGE_ASSISTS"):
        BOARD.settle(item, decision, in_village("handler"), CTX)


def test_one_who_stands_in_by_name_but_only_in_a_village_is_not_let_in():
    item = waiting()
    item.tasks[0].admitted = ["wei"]
    with pytest.raises(HttpError, match="VILLAGE_ASSISTS"):
        BOARD.claim(item, item.tasks[0].id, in_village("village_worker"), CTX)


def test_a_task_that_names_the_helping_role_is_help_and_may_be_taken():
    """A visit: 村(居)委会协助."""
    item = waiting()
    item.tasks[0].role = "village_worker"
    item.tasks[0].region = "420112001201"
    _, lease = BOARD.claim(item, item.tasks[0].id, in_village("village_worker"), CTX)
    assert lease["lease"] == item.tasks[0].lease
