"""What intake makes of promises: materials that follow (容缺), and commitments (告知承诺) that are checked on their day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.intake.domain import commitment, tolerance
from services.intake.domain.check import Here, check
from services.intake.domain.facts import close_checks
from services.intake.domain.papers.issue import signatures
from services.intake.domain.papers.shown import masked
from services.intake.domain.receive import receive
from services.intake.domain.supplement import Supplement, supplement
from services.intake.tables import BAR, PAPER
from shared.catalog.commitments import Commitments, CommitmentText, commitments
from shared.catalog.model import MaterialNeed
from shared.catalog.protocol import CommitmentFound, Limit, MaterialsLapsed
from shared.catalog.registry import Catalog
from shared.changes import CancelTimer, Changes, SetTimer, Timer
from shared.errors import Conflict, Invalid
from shared.handling.limits import end_of
from shared.handling.tasks import TaskDecision, TaskOutcome, claim, live_tasks
from shared.outcomes import ItemStatus
from tests.unit.test_intake import CATALOG, HERE, NOW, ctx, received, sample
from tests.unit.test_papers import content, ready, text_of, world

FIRST, LAST = date(2026, 12, 7), date(2026, 12, 21)
"""Ten working days after a Monday, 2026-11-23, and twenty."""


def fire(name, on: date):
    return Timer(name, {}), ctx(end_of(on))


def letting(**need) -> Catalog:
    """The catalogue, with photographs asked for by the waiver of fees."""
    services = dict(CATALOG.services)
    funeral = services["funeral"]
    wanted = MaterialNeed("photo", "照片", **need)
    matters = tuple(
        replace(m, materials=(*m.materials, wanted)) if m.code == "funeral.fee_waiver" else m for m in funeral.matters
    )
    return Catalog({**services, "funeral": replace(funeral, matters=matters)})


def promised(*days: date):
    raw = sample(materials=[*sample()["materials"]])
    catalog = letting(secondary=True, follows=Limit(n=10, unit="working"))
    for day in days:
        raw["materials"].append({"type": "photo", "source": "deferred", "promise_by": day.isoformat()})
    checked, errors = check(raw, Here(catalog, HERE.units, NOW))
    return catalog, checked, errors


def decision(state, outcome: str, now, **more) -> TaskDecision:
    (task,) = live_tasks(state)
    claim(state, task.id, "wang", now)
    return TaskDecision(task.id, task.lease, TaskOutcome(outcome), "wang", **more)


# --- tolerance --------------------------------------------------------------------------------------------------------


def test_a_promise_has_one_timer_at_the_end_of_its_day_and_its_last_day_counts():
    _, checked, errors = promised(FIRST)
    assert errors == []
    assert checked is not None
    assert [e.code for e in promised(FIRST + timedelta(days=1))[2]] == ["PROMISE_TOO_LATE"]
    assert [e.code for e in promised(NOW.date() - timedelta(days=1))[2]] == ["PROMISE_TOO_LATE"]


@pytest.fixture
def owing():
    from tests.unit import test_intake

    catalog, checked, _ = promised(FIRST)
    world = replace(ctx(), catalog=catalog)
    changes, _ = receive(
        checked, test_intake.Arrival(test_intake.CASE, test_intake.NUMBER, "0" * 64, None, "420112-HALL", ()), world
    )
    return catalog, changes


def test_what_is_promised_is_told_and_timed(owing):
    _, changes = owing
    assert [(t.material, t.promise_by, t.state) for t in changes.state.tolerances] == [("photo", FIRST, "open")]
    assert SetTimer(tolerance.TIMER, end_of(FIRST)) in changes.timers
    assert any(p.values.get("kind") == "deferred" for p in changes.puts)


def papers_of(changes, kind):
    return [put.values for put in changes.puts if put.table is PAPER and put.values["kind"] == kind]


def test_what_may_follow_is_told_by_a_paper_and_so_is_that_it_came(owing):
    """elderly_onewindow 3.4: TOLERANCE 容缺(缺件清单、补齐期)."""
    catalog, changes = owing
    state = changes.state
    (told,) = papers_of(changes, "tolerance")
    found = content(told, state, replace(world(), catalog=catalog))
    assert (found["title"]["zh"], found["number"]) == ("容缺受理告知书", "甲民容〔2026〕17号")
    text = text_of(found)
    for said in (
        "照片：请于2026年12月7日前（含当日）补齐；用于：基本殡葬服务费用减免",
        "逾期后果：到期未补齐的",
        "国发〔2022〕5号",
    ):
        assert said in text
    assert found["remedy"] is None
    given = Supplement.model_validate({"round": 1, "materials": [{"type": "photo", "source": "paper"}]})
    here = Here(catalog, HERE.units, NOW)
    came = supplement(state, given, here, replace(ctx(), catalog=catalog), {"town_clerk": "吴建平"})
    (row,) = papers_of(came, "supplied")
    one = ready(row, came.state, replace(world(), catalog=catalog))
    one.numbered(1)
    assert [(s["signer"], s["role"]) for s in signatures(one, None)] == [("town_clerk", "received")]
    assert one.content["signers"] == {"town_clerk": "吴建平"}
    text = text_of(content(row, came.state, replace(world(), catalog=catalog)))
    assert "照片：已收到（应于2026年12月7日前补齐）；用于：基本殡葬服务费用减免" in text
    again = supplement(came.state, given, here, replace(ctx(), catalog=catalog)) if came.state.correcting() else None
    assert again is None or papers_of(again, "supplied") == []


def test_past_its_day_the_receiving_unit_has_a_task_once(owing):
    catalog, changes = owing
    state = changes.state
    timer, world = fire(tolerance.TIMER, FIRST)
    world = replace(world, catalog=catalog)
    tolerance.on_timer(state, timer, world)
    (task,) = live_tasks(state)
    assert (task.kind, task.unit, task.data) == (tolerance.OVERDUE, "420112-HALL", {"materials": ["photo"]})
    tolerance.on_timer(state, timer, world)
    assert len(live_tasks(state)) == 1


def test_a_person_reminds_or_ends_and_nothing_else(owing):
    catalog, changes = owing
    state = changes.state
    timer, world = fire(tolerance.TIMER, FIRST)
    world = replace(world, catalog=catalog)
    tolerance.on_timer(state, timer, world)
    with pytest.raises(Invalid):
        tolerance.decided(state, decision(state, "approve", world.now), world)
    ended = tolerance.decided(state, decision(state, "deny", world.now), world)
    (message,) = [e.message for e in ended.emits]
    waiver = next(i for i in state.items if i.matter == "funeral.fee_waiver")
    assert isinstance(message, MaterialsLapsed)
    assert message.items == (waiver.item_id,)


def test_what_nobody_waits_for_any_more_opens_no_task(owing):
    catalog, changes = owing
    state = changes.state
    state.items = [i.model_copy(update={"status": ItemStatus.WITHDRAWN}) for i in state.items]
    timer, world = fire(tolerance.TIMER, FIRST)
    tolerance.on_timer(state, timer, replace(world, catalog=catalog))
    assert live_tasks(state) == []


def test_what_came_closes_its_task_and_calls_its_timer_off(owing):
    catalog, changes = owing
    state = changes.state
    timer, world = fire(tolerance.TIMER, FIRST)
    world = replace(world, catalog=catalog)
    tolerance.on_timer(state, timer, world)
    cured = tolerance.cure(state, ["photo"], world)
    assert [t.state for t in state.tolerances] == ["cured"]
    assert live_tasks(state) == []
    assert CancelTimer(tolerance.TIMER) in cured.timers
    assert tolerance.cure(state, ["photo"], world) == Changes(state), "again is nothing new"


# --- commitments ------------------------------------------------------------------------------------------------------


def granted(changes):
    """The application with its waiver granted and its stop too."""
    state = changes.state
    state.items = [i.model_copy(update={"status": ItemStatus.APPROVED}) for i in state.items]
    return state


def test_a_commitment_is_recorded_with_its_text_and_checked_on_its_day():
    changes, _ = received()
    (made,) = changes.state.commitments
    assert (made.material, made.version, made.verify_due, made.state) == ("kinship_proof", "2026-1", LAST, "open")
    assert made.informed_at == made.signed_at == NOW
    assert SetTimer(commitment.TIMER, end_of(LAST)) in changes.timers


def test_a_commitment_is_a_paper_of_what_was_told_signed_and_will_be_checked():
    """国办发〔2020〕42号: 书面告知、自主选择、不实承诺的后果、核查; elderly_onewindow 3.4: COMMITMENT 告知承诺."""
    changes, _ = received()
    (row,) = papers_of(changes, "commitment")
    one = ready(row, changes.state)
    one.numbered(3)
    assert (one.number, one.content["title"]["zh"]) == ("甲民诺〔2026〕3号", "告知承诺书")
    text = text_of(one.content)
    for said in (
        *("承诺人：李明", "证明事项：亲属关系证明", "改为书面承诺", "信用修复前不再适用告知承诺制", "2026-1版"),
        *("告知时间：2026年11月23日10:00", "，书面签署", "自主选择以承诺代替提交证明"),
        *("由受理机关最迟于2026年12月21日（含当日）起核查", "国办发〔2020〕42号"),
    ):
        assert said in text, said
    assert "李明" not in text_of(masked(one.content))
    assert [(s["signer"], s["role"], s["method"]) for s in signatures(one, None)] == [
        ("applicant", "committed", "handwriting"),
        ("clerk", "received", "account"),
    ]


def test_a_check_outlasts_the_application_and_opens_for_what_rests_on_it_only():
    changes, _ = received()
    state = granted(changes)
    timer, world = fire(commitment.TIMER, LAST)
    commitment.on_timer(state, timer, world)
    close_checks(Changes(state), world)
    assert [t.kind for t in live_tasks(state)] == [commitment.VERIFY]
    gone, _ = received()
    gone.state.items = [i.model_copy(update={"status": ItemStatus.WITHDRAWN}) for i in gone.state.items]
    commitment.on_timer(gone.state, timer, world)
    assert live_tasks(gone.state) == []
    assert gone.state.commitments[0].state == "moot"


def test_a_false_one_reverses_what_required_it_and_leaves_what_stands_without_it_to_a_person():
    changes, _ = received()
    state = granted(changes)
    timer, world = fire(commitment.TIMER, LAST)
    commitment.on_timer(state, timer, world)
    with pytest.raises(Invalid):
        commitment.decided(state, decision(state, "deny", world.now), world)
    found = commitment.decided(state, decision(state, "deny", world.now, comment="查无此关系"), world)
    (message,) = [e.message for e in found.emits]
    assert isinstance(message, CommitmentFound)
    assert [state.item(i).matter for i in message.items] == ["funeral.fee_waiver"]
    (task,) = live_tasks(state)
    assert (task.kind, task.role) == (commitment.FOLLOW_UP, "supervisor")
    assert set(task.data["matters"]) == {"elderly.benefit_stop", "assistance.benefit_stop"}
    (bar,) = [p.values for p in found.puts if p.table is BAR]
    assert (bar["person_ref"], bar["lifted_at"]) == (state.applicant_ref, None)
    assert "查无此关系" not in str([p.values for p in found.puts]), "what was seen rests sealed"
    commitment.followed_up(state, decision(state, "approve", world.now), world)
    assert live_tasks(state) == []
    (lifted,) = [p.values for p in commitment.repaired(state, world).puts]
    assert lifted["lifted_at"] == world.now
    with pytest.raises(Conflict):
        commitment.repaired(state, world)


def test_a_text_holds_where_and_when_it_says():
    def text(region, start, version):
        words = {"title": "t", "content": "c", "consequences": "q", "law": "l", "source": "s", "confidence": "摘"}
        return CommitmentText(
            material="m",
            version=version,
            region=region,
            effective_from=start,
            verify=Limit(n=1, unit="working"),
            verified_by="receiving",
            **words,
        )

    nation, new, city = (
        text("000000", date(2020, 1, 1), "1"),
        text("000000", date(2026, 1, 1), "2"),
        text("420100", date(2021, 1, 1), "wuhan"),
    )
    texts = Commitments([nation, new, city])
    assert texts.of("m", "110101", date(2025, 6, 1)) is nation
    assert texts.of("m", "110101", date(2026, 6, 1)) is new
    assert texts.of("m", "420112", date(2026, 6, 1)) is city
    assert texts.of("m", "420112", date(2019, 6, 1)) is None
    assert texts.of("other", "420112", date(2026, 6, 1)) is None
    assert texts.told("m", "1") is nation, "what was told stays readable"
    assert commitments().of("kinship_proof", "420112", LAST).confidence == "摘"
