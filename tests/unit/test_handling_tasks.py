"""Tasks: who may take one, what the loser is told, and that four eyes never leave a task to nobody."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from shared.changes import CancelTimer, SetTimer, Timer
from shared.errors import Conflict, RefusedError
from shared.handling import tasks
from shared.handling.board import item_board, prefixes, shown
from shared.handling.limits import end_of, task_lamp
from shared.handling.masking import mask_form, mask_parties
from shared.handling.procedure import OpenTask
from shared.handling.run import item_task_row
from shared.http.principal import Principal, RoleInUnit
from shared.http.refusals import HttpError, members_of
from tests.support.fake_ctx import NOW, REGION, at, fake_ctx, item_requested, sealed_part
from tests.support.toy_procedure import TABLES, toy_engine

SPEC = OpenTask("review", "review", "handler", 5, four_eyes=True)
TOWN = "420112001000"
ENGINE = toy_engine()


def holder_of_tasks():
    return SimpleNamespace(id=UUID(int=7), tasks=[])


def opened(ctx=None, barred=(), unit="town"):
    state: Any = holder_of_tasks()
    task: Any = tasks.open_task(state, SPEC, ctx or fake_ctx(), unit=unit, region=REGION, barred=barred)
    return state, task


def units(**attributes) -> dict[str, dict[str, Any]]:
    town = {"code": "town", "region": TOWN, "parent": "county", "attributes": attributes}
    county: dict[str, Any] = {"code": "county", "region": REGION, "parent": None, "attributes": {}}
    return {"town": town, "county": county}


def person(account, role="handler", unit="town", region=TOWN):
    return Principal(account, account, "staff", (RoleInUnit(role, unit, region),))


def test_a_task_is_due_after_working_days_and_lies_where_its_unit_works():
    _, task = opened()
    assert (task.due.isoformat(), task.region) == ("2026-11-30", TOWN)


def test_a_second_task_of_a_kind_is_not_opened_while_one_is_live():
    state, task = opened()
    assert tasks.open_task(state, SPEC, fake_ctx(), unit="town", region=REGION) is None
    tasks.close(task, NOW)
    again = tasks.open_task(state, SPEC, fake_ctx(), unit="town", region=REGION)
    assert again is not None
    assert again.id != task.id


def test_a_task_redone_has_the_same_id():
    assert opened()[1].id == opened()[1].id


def test_the_loser_of_two_claims_sees_who_holds_the_task():
    state, task = opened()
    tasks.claim(state, task.id, "a", NOW)
    with pytest.raises(Conflict, match=r"TASK_CLAIMED.* a "):
        tasks.claim(state, task.id, "b", NOW + timedelta(minutes=29))


def test_a_lapsed_lease_lets_another_claim_and_the_first_one_cannot_decide():
    state, task = opened()
    lease: Any = tasks.claim(state, task.id, "a", NOW).lease
    later = NOW + timedelta(minutes=31)
    tasks.claim(state, task.id, "b", later)
    with pytest.raises(Conflict, match=r"LEASE_LOST.* b"):
        tasks.decide(state, tasks.TaskDecision(task.id, lease, tasks.TaskOutcome.APPROVE, "a"), later)


def test_the_holder_renews_under_the_same_lease():
    state, task = opened()
    lease = tasks.claim(state, task.id, "a", NOW).lease
    renewed = tasks.claim(state, task.id, "a", NOW + timedelta(minutes=20))
    assert (renewed.lease, renewed.lease_until) == (lease, NOW + timedelta(minutes=50))


def test_a_released_task_is_open_and_only_its_holder_releases_it():
    state, task = opened()
    tasks.claim(state, task.id, "a", NOW)
    with pytest.raises(Conflict, match="LEASE_LOST"):
        tasks.release(state, task.id, "b")
    assert tasks.release(state, task.id, "a").state == "open"


def test_a_decided_task_is_closed_for_everyone():
    state, task = opened()
    tasks.claim(state, task.id, "a", NOW)
    decision = tasks.TaskDecision(task.id, task.lease, tasks.TaskOutcome.APPROVE, "a")
    _, record = tasks.decide(state, decision, NOW)
    assert (record.by, record.outcome, task.state) == ("a", "approve", "done")
    with pytest.raises(Conflict, match="TASK_CLOSED"):
        tasks.decide(state, decision, NOW)


def test_four_eyes_refuse_even_the_claim():
    state, task = opened(barred=["a"])
    with pytest.raises(RefusedError):
        tasks.claim(state, task.id, "a", NOW)


def test_when_everyone_with_the_role_is_barred_the_stand_in_may_act_at_once():
    ctx = fake_ctx(units=units(staff={"handler": ["a"]}, stand_ins={"handler": ["s"]}, leader="boss"))
    _, task = opened(ctx, barred=["a"])
    assert (task.admitted, task.escalation) == (["s"], 1)
    assert task.escalate_on is not None


def test_when_stand_in_and_leader_are_barred_too_it_goes_to_the_unit_above_at_once():
    ctx = fake_ctx(units=units(staff={"handler": ["a"]}, stand_ins=["s"], leader="boss"))
    _, task = opened(ctx, barred=["a", "s", "boss"])
    assert (task.unit, task.region) == ("county", TOWN)


def test_at_the_top_the_supervisor_may_act_so_that_no_task_is_left_to_nobody():
    tree = units(staff={"handler": ["a"]}, leader="boss")
    tree["county"]["attributes"] = {"staff": {"handler": ["a"]}, "leader": "boss"}
    _, task = opened(fake_ctx(units=tree), barred=["a", "boss"])
    assert "supervisor" in task.also_roles
    assert tasks.may_act(task, "x", person("x", "supervisor", "county", REGION).roles)


def test_a_task_nobody_takes_climbs_with_a_date_each_time():
    ctx = fake_ctx(units=units(stand_ins=["s"], leader="boss"))
    changes = ENGINE.on_item_requested(None, item_requested(ctx, "toy.thing", {"people": True}), ctx)
    item, (timer,) = changes.state, changes.timers
    task = item.tasks[0]
    assert timer == SetTimer(f"task:{task.id}", end_of(task.due))
    seen = []
    while isinstance(timer, SetTimer):
        changes = ENGINE.on_timer(item, Timer(timer.name, {}), at(ctx, timer.due_at))
        seen.append((task.unit, tuple(task.admitted), tuple(task.also_roles)))
        assert changes.puts
        (timer,) = changes.timers
    assert seen[:3] == [("town", ("s",), ()), ("town", ("s", "boss"), ()), ("county", ("s", "boss"), ())]
    assert timer == CancelTimer(f"task:{task.id}")
    assert "supervisor" in task.also_roles
    assert task.state == "open"


def test_only_the_role_where_the_task_lies_may_act():
    _, task = opened()
    assert tasks.may_act(task, "a", person("a").roles)
    assert tasks.may_act(task, "a", person("a", region=REGION).roles)
    assert not tasks.may_act(task, "a", person("a", "clerk").roles)
    assert not tasks.may_act(task, "a", person("a", region="420112002000").roles)


def board_and_item():
    ctx = fake_ctx()
    part = sealed_part(ctx, {"people": True, "phone": "13800000001"}, applicant={"name": "李明", "role": "applicant"})
    request = item_requested(ctx, "toy.thing").model_copy(update={"sealed": part})
    item = ENGINE.on_item_requested(None, request, ctx).state
    return item_board(TABLES.task, ENGINE.decide), item, item.tasks[0].id, ctx


def test_anothers_task_is_not_found():
    board, item, task_id, ctx = board_and_item()
    with pytest.raises(HttpError) as refused:
        board.look(item, task_id, person("a", region="420113000000"), ctx)
    assert refused.value.status == 404


def test_a_task_shows_its_items_part_masked():
    board, item, task_id, ctx = board_and_item()
    seen = board.look(item, task_id, person("a"), ctx)
    assert seen["parties"]["applicant"] == {"name": "李*", "role": "applicant"}
    assert seen["form"]["phone"] == "138****0001"
    assert (seen["may_act"], seen["lamp"], seen["service"]) == (True, "green", "toy")


def test_who_comes_too_late_is_given_the_task_as_it_stands():
    board, item, task_id, ctx = board_and_item()
    _, answer = board.claim(item, task_id, person("a"), ctx)
    assert answer["expires_at"] == NOW + tasks.LEASE
    with pytest.raises(Conflict) as late:
        board.claim(item, task_id, person("b"), ctx)
    assert members_of(late.value)["present"]["holder"] == "a"


def test_another_role_may_look_but_not_claim():
    board, item, task_id, ctx = board_and_item()
    clerk = person("c", "clerk")
    assert not board.look(item, task_id, clerk, ctx)["may_act"]
    with pytest.raises(HttpError) as refused:
        board.claim(item, task_id, clerk, ctx)
    assert refused.value.status == 403


def test_a_lapsed_lease_reads_as_open():
    board, item, task_id, ctx = board_and_item()
    board.claim(item, task_id, person("a"), ctx)
    row = item_task_row(item, item.tasks[0])
    assert shown(row, "toy", NOW)["state"] == "claimed"
    assert shown(row, "toy", NOW + tasks.LEASE)["state"] == "open"


def test_a_person_lists_the_tasks_of_the_places_where_a_role_is_held():
    assert prefixes(person("a"), {"handler"}) == ["420112001%"]
    assert prefixes(person("a"), {"clerk"}) == []


def test_the_lamp_turns_yellow_on_the_last_days_and_red_after_the_date():
    _, task = opened()
    opened_on = task.opened_at.date()
    days = {d: task_lamp(opened_on, task.due, opened_on + timedelta(days=d)) for d in (0, 4, 7, 8)}
    assert days == {0: "green", 4: "yellow", 7: "yellow", 8: "red"}


def test_masking_leaves_no_personal_text_whole():
    parties = mask_parties({"applicant": {"name": "李明", "id_no": "420112197003150014", "address": "东西湖路1号"}})
    assert parties == {"applicant": {"name": "李*", "id_no": "420112********0014", "address": "******"}}
    form = mask_form({"payee": {"number": "6222020000000000000"}, "disposition": "cremated"}, {"payee"})
    assert form == {"payee": {"number": "***************0000"}, "disposition": "cremated"}


def test_a_stand_in_with_dates_is_let_in_and_may_act_between_them_only():
    def dated(first, last):
        return {"handler": [{"account": "s", "valid_from": first, "valid_to": last}]}

    barred_from = {"staff": {"handler": ["a"]}, "leader": "boss"}
    for first, last, admitted in (
        ("2026-11-01", "2026-11-30", ["s"]),
        ("2026-12-01", "2026-12-31", ["boss"]),
        ("2026-10-01", "2026-10-31", ["boss"]),
    ):
        _, task = opened(fake_ctx(units=units(**barred_from, stand_ins=dated(first, last))), barred=["a"])
        assert task.admitted == admitted
    _, task = opened(fake_ctx(units=units(**barred_from, stand_ins=dated("2026-11-01", "2026-11-30"))), barred=["a"])
    assert tasks.may_act(task, "s", (), date(2026, 11, 30))
    assert not tasks.may_act(task, "s", (), date(2026, 12, 1))


def test_a_stand_in_who_did_the_first_step_is_kept_from_the_second():
    ctx = fake_ctx(units=units(staff={"handler": ["a"]}, stand_ins={"handler": ["s"]}, leader="boss"))
    _, task = opened(ctx, barred=["a", "s"])
    assert task.admitted == ["boss"]
    with pytest.raises(RefusedError):
        tasks.refuse_barred(task, "s")
