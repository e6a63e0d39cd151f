"""A handler pauses the clock on a listed ground; more days are asked for by one person and given by a leader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.errors import Conflict, Invalid, RefusedError
from shared.handling import tasks
from shared.handling.limits import end_of
from shared.handling.tasks import TaskDecision, TaskOutcome
from tests.support.fake_ctx import NOW, REGION, at, fake_ctx, item_requested, message, told
from tests.support.toy_procedure import toy_catalog, toy_engine

ENGINE = toy_engine()
UNITS: dict[str, Any] = {
    "town": {"code": "town", "region": REGION, "parent": "county", "attributes": {"leader": "head"}},
    "county": {"code": "county", "region": REGION, "parent": None, "attributes": {"leader": "mayor"}},
}
CTX = fake_ctx(catalog=toy_catalog(), units=UNITS)
SOON, LATER = NOW.date() + timedelta(days=5), date(2026, 12, 14)
"""The promise ends on 2026-12-07, the law's limit on 2026-12-21."""


def under_review(ctx=CTX):
    return ENGINE.on_item_requested(None, item_requested(ctx, "toy.thing", {"people": True}), ctx).state


def does(item, outcome, account="hand", ctx=CTX, kind="review", **more):
    task: Any = next(t for t in tasks.live_tasks(item) if t.kind == kind)
    tasks.claim(item, task.id, account, ctx.now)
    return ENGINE.decide(item, TaskDecision(task.id, task.lease, TaskOutcome(outcome), account, **more), ctx)


def test_a_pause_leaves_the_task_with_its_holder():
    item = under_review()
    paused = message(does(item, "pause", ground="EXPERT", until=SOON), "ItemPaused")
    assert (paused.ground, paused.until) == ("EXPERT", SOON)
    with pytest.raises(Conflict, match="ALREADY_PAUSED"):
        does(item, "pause", ground="EXPERT", until=SOON)
    with pytest.raises(Conflict, match="NOT_PAUSED"):
        does(item, "resume", ground="G")
    assert told(does(item, "resume", ground="EXPERT")) == ["ItemResumed"]
    with pytest.raises(Conflict, match="NOT_PAUSED"):
        does(item, "resume", ground="EXPERT")
    assert tasks.live_tasks(item)[0].state == "claimed"


def test_a_pause_moves_the_day_of_the_task_and_of_its_escalation_by_the_days_that_did_not_count():
    """elderly_onewindow 3.5: 暂停当日计入、恢复当日不计; the handler's own days are no others."""
    item = under_review()
    (task,) = tasks.live_tasks(item)
    assert (NOW.date(), task.due) == (date(2026, 11, 23), date(2026, 11, 30))
    changes = does(item, "pause", ground="EXPERT", until=date(2026, 11, 27))
    assert (task.due, task.escalate_on) == (date(2026, 12, 4), date(2026, 12, 4))
    assert [t.due_at for t in changes.timers] == [end_of(date(2026, 12, 4))]
    sooner = does(item, "resume", ctx=at(CTX, NOW + timedelta(days=2)), ground="EXPERT")
    assert (task.due, task.escalate_on) == (date(2026, 12, 2), date(2026, 12, 2))
    assert told(sooner) == ["ItemResumed", "ItemProgressed"]
    assert message(sooner, "ItemProgressed").waiting_on.until == date(2026, 12, 2)
    assert [dict(p.values)["due"] for p in sooner.puts] == [date(2026, 12, 2)]


def test_a_pause_that_lasts_longer_than_was_expected_moves_the_task_by_all_of_it():
    item = under_review()
    (task,) = tasks.live_tasks(item)
    does(item, "pause", ground="EXPERT", until=date(2026, 11, 25))
    does(item, "resume", ctx=at(CTX, NOW + timedelta(days=7)), ground="EXPERT")
    assert task.due == date(2026, 12, 7)


def test_a_task_that_was_late_before_the_pause_stays_late():
    item = under_review()
    (task,) = tasks.live_tasks(item)
    late = at(CTX, NOW + timedelta(days=8))
    does(item, "pause", ctx=late, ground="EXPERT", until=date(2026, 12, 8))
    does(item, "resume", ctx=at(CTX, NOW + timedelta(days=10)), ground="EXPERT")
    assert task.due == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"ground": "HOLIDAY", "until": SOON}, "/ground", "PAUSE_GROUND_NOT_LISTED"),
        ({"ground": "EXPERT"}, "/until", "REQUIRED"),
        ({"ground": "EXPERT", "until": NOW.date()}, "/until", "REQUIRED"),
        ({"ground": "G", "until": NOW.date() + timedelta(days=21)}, "/until", "PAUSE_TOO_LONG"),
        ({"until": SOON}, "/ground", "REQUIRED"),
    ],
)
def test_a_pause_names_a_listed_ground_and_about_when_it_ends(given, pointer, code):
    with pytest.raises(Invalid) as wrong:
        does(under_review(), "pause", **given)
    assert [(e.pointer, e.code) for e in wrong.value.errors] == [(pointer, code)]


def test_everything_that_an_outcome_needs_is_named_at_once():
    with pytest.raises(Invalid) as wrong:
        does(under_review(), "pause")
    assert [e.pointer for e in wrong.value.errors] == ["/ground", "/until"]


def test_an_extension_is_asked_for_by_a_handler_and_given_once_by_a_leader():
    item = under_review()
    assert told(does(item, "extend", until=LATER, reason_code="COMPLEX")) == []
    asked = next(t for t in tasks.live_tasks(item) if t.kind == "extension")
    assert (asked.role, asked.unit, asked.barred) == ("supervisor", "town", ["hand"])
    with pytest.raises(Conflict, match="EXTENSION_ASKED"):
        does(item, "extend", until=LATER, reason_code="COMPLEX")
    with pytest.raises(RefusedError, match="FOUR_EYES"):
        does(item, "approve", kind="extension")
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        does(item, "pause", "head", kind="extension", ground="EXPERT", until=SOON)
    extended = message(does(item, "approve", "head", kind="extension"), "ItemExtended")
    assert (extended.to, extended.approved_by, extended.reason_code) == (LATER, "head", "COMPLEX")
    assert [t.kind for t in tasks.live_tasks(item)] == ["review"]
    with pytest.raises(Conflict, match="ALREADY_EXTENDED"):
        does(item, "extend", until=LATER + timedelta(days=1), reason_code="COMPLEX")


def test_a_leader_who_says_no_leaves_the_dates_and_it_may_be_asked_again():
    item = under_review()
    does(item, "extend", until=LATER, reason_code="COMPLEX")
    assert told(does(item, "deny", "head", kind="extension", reason_code="NOT_NEEDED")) == []
    assert item.extension is None
    does(item, "extend", until=LATER, reason_code="COMPLEX")


@pytest.mark.parametrize(
    ("to", "day", "code"),
    [
        (LATER, NOW + timedelta(days=15), "EXTENSION_LATE"),
        (date(2026, 12, 7), NOW, "EXTENSION_NOT_LATER"),
        (date(2027, 1, 7), NOW, "EXTENSION_TOO_LONG"),
    ],
)
def test_an_extension_that_could_not_be_given_is_not_even_asked_for(to, day, code):
    with pytest.raises(Conflict, match=code):
        does(under_review(), "extend", ctx=at(CTX, day), until=to, reason_code="COMPLEX")


def test_an_extension_is_late_when_the_leader_comes_too_late():
    item = under_review()
    does(item, "extend", until=LATER, reason_code="COMPLEX")
    with pytest.raises(Conflict, match="EXTENSION_LATE"):
        does(item, "approve", "head", at(CTX, NOW + timedelta(days=15)), kind="extension")


def test_joint_handling_is_extended_by_the_leader_above():
    """行政许可法第四十二条: 45+15, by the leader of the government (本级人民政府负责人)."""
    ctx = replace(CTX, catalog=toy_catalog(legal=45))
    item = under_review(ctx)
    does(item, "extend", ctx=ctx, until=LATER, reason_code="COMPLEX")
    assert next(t for t in tasks.live_tasks(item) if t.kind == "extension").unit == "county"


def test_a_pause_that_is_over_leaves_more_days_before_it_is_too_late_to_extend():
    item = under_review()
    does(item, "pause", ground="EXPERT", until=LATER)
    later = at(CTX, NOW + timedelta(days=14))
    does(item, "resume", ctx=later, ground="EXPERT")
    does(item, "extend", ctx=at(CTX, NOW + timedelta(days=20)), until=date(2026, 12, 28), reason_code="COMPLEX")
    assert any(t.kind == "extension" for t in tasks.live_tasks(item))
