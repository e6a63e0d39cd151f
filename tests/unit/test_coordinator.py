"""Joint handling of one case, rule by rule."""

from datetime import date, timedelta

import pytest

from services.coordinator.api import concerns
from services.coordinator.domain.graph import case_graph
from services.coordinator.domain.stuck import note_stuck
from shared.catalog import protocol as p
from shared.errors import Invalid, Poison
from shared.http.principal import Principal, RoleInUnit
from shared.outcomes import Nature
from tests.support.coordination import CASE_ID, NOW, SEALED, Desk, context, item_id, names, planned, submitted, up


def _ready(messages):
    return [m.item_id for m in messages if isinstance(m, p.ItemReady)]


# --- dispatch and release ----------------------------------------------------------------------------------------------


def test_every_item_is_sent_for_its_formal_check_at_once():
    desk = Desk(planned(1), planned(2, [(1, True)]), planned(3, facts=["death"]), planned(4, check="none"))
    requested = [m for m in desk.sent if isinstance(m, p.ItemRequested)]
    assert [m.ready for m in requested] == [True, False, False, True]
    assert names(desk.sent)[4:] == ["CaseOpened"]
    assert [i.status for i in desk.view.items] == ["requested", "waiting", "waiting", "requested"]
    assert desk.last.emits[0].topic == "onewindow.s1.requests"
    assert desk.last.emits[0].key == str(CASE_ID)
    assert requested[0].sealed == SEALED
    assert requested[0].acted == ("clerk",)


def test_a_case_that_is_open_is_not_opened_again():
    desk = Desk(planned(1))
    assert desk.say(submitted(planned(1), planned(2))) == []
    assert len(desk.case.items) == 1


def test_an_item_is_released_with_result_fact_and_due_dates_once_all_it_waits_for_is_there():
    desk = Desk(planned(1), planned(2, [(1, True)], facts=["death"]))
    desk.up(p.ItemAccepted, 2, accepted_at=NOW - timedelta(days=3))
    assert _ready(desk.decide(1, result={"no": "X"}, decided_at=NOW)) == []
    assert desk.view.items[1].waiting_on.kind == "source"
    (ready,) = [
        m for m in desk.fact("death", "confirmed", occurred_on=date(2026, 11, 10)) if isinstance(m, p.ItemReady)
    ]
    assert ready.item_id == item_id(2)
    assert (ready.results[0].outcome, ready.results[0].public) == ("approved", {"no": "X"})
    assert (ready.facts[0].status, ready.facts[0].occurred_on) == ("confirmed", date(2026, 11, 10))
    assert ready.due == p.Due(promised=date(2026, 11, 27), legal=date(2026, 12, 10))
    assert not ready.to_person


def test_the_handling_clock_starts_with_acceptance_where_nothing_comes_before():
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1, accepted_at=NOW + timedelta(days=3))
    assert desk.view.items[0].due == p.Due(promised=date(2026, 11, 30), legal=date(2026, 12, 13))
    assert desk.view.accepted_at == NOW + timedelta(days=3)


def test_an_item_with_open_prerequisites_is_waiting_whatever_its_check_says():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    for kind in (p.CheckPassed, p.ItemAccepted, p.CorrectionRequested):
        desk.up(kind, 2)
        assert desk.item(2).status == "waiting"
    assert desk.view.items[1].waiting_on.kind == "prerequisite"
    desk.up(p.CheckPassed, 1)
    assert desk.view.items[1].waiting_on.kind == "applicant"
    assert desk.view.status == "correcting"


def test_a_later_message_implies_the_earlier_ones():
    desk = Desk(planned(1), planned(2))
    desk.decide(1)
    assert desk.item(1).checked
    assert desk.view.items[0].accepted_at == NOW


def test_a_decision_before_release_is_poison_and_changes_nothing():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    before = desk.case.model_dump()
    with pytest.raises(Poison):
        desk.decide(2)
    assert desk.case.model_dump() == before


@pytest.mark.parametrize("items", [(), (planned(2, [(1, True)]),)])
def test_a_plan_that_cannot_be_carried_out_is_poison(items):
    with pytest.raises(Poison):
        Desk(*items)


def test_an_answer_for_a_case_that_was_never_opened_is_poison():
    desk = Desk(planned(1))
    desk.case = None
    with pytest.raises(Poison):
        desk.decide(1)


# --- join ----------------------------------------------------------------------------------------------------------------


def test_the_last_decision_closes_the_case_and_settles_each_item_once():
    desk = Desk(planned(1), planned(2))
    assert names(desk.decide(1)) == ["ItemSettled", "ItemConcluded"]
    assert desk.view.status == "partial"
    assert names(desk.decide(2, "denied")) == ["ItemSettled", "ItemConcluded", "CaseClosed"]
    assert (desk.view.status, desk.view.outcome, desk.view.closed_at) == ("closed", "partly_approved", NOW)


def test_a_concluded_item_carries_its_sealed_part_for_the_window():
    desk = Desk(planned(1), planned(2))
    desk.decide(1, sealed=SEALED, result={"amount": "1.00"}, by_rule=True)
    concluded = desk.sent[-1]
    assert (concluded.outcome, concluded.result.sealed, concluded.result.by_rule) == ("approved", SEALED, True)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("denied", "PREREQUISITE_REFUSED"), ("not_applicable", "PREREQUISITE_NOT_APPLICABLE")],
)
def test_a_refused_hard_prerequisite_ends_its_dependants_and_theirs(outcome, reason):
    desk = Desk(planned(1), planned(2, [(1, True)]), planned(3, [(2, True)]), planned(4))
    said = desk.decide(1, outcome)
    assert [(m.item_id, m.reason_code) for m in said if isinstance(m, p.ItemCancelled)] == [
        (item_id(2), reason),
        (item_id(3), "PREREQUISITE_REFUSED"),
    ]
    assert [i.status for i in desk.view.items] == [outcome, "terminated", "terminated", "requested"]


def test_a_refused_soft_prerequisite_sends_its_dependant_to_a_person():
    desk = Desk(planned(1), planned(2, [(1, False)]))
    (ready,) = [m for m in desk.decide(1, "denied") if isinstance(m, p.ItemReady)]
    assert ready.to_person


def test_a_lapse_and_a_non_acceptance_are_ends_that_are_settled():
    desk = Desk(planned(1), planned(2))
    assert names(desk.up(p.ItemEnded, 1)) == ["ItemSettled", "ItemConcluded"]
    assert names(desk.up(p.ItemNotAccepted, 2, where_to_go="hall 3"))[-1] == "CaseClosed"
    assert [i.status for i in desk.view.items] == ["terminated", "not_accepted"]


def test_nothing_visible_changed_says_nothing():
    desk = Desk(planned(1))
    assert desk.up(p.CheckPassed, 1) == []
    assert names(desk.up(p.ItemProgressed, 1, stage="A")) == ["ItemMoved"]
    assert desk.up(p.ItemProgressed, 1, stage="A") == []


# --- late ---------------------------------------------------------------------------------------------------------------


def test_a_result_after_the_end_is_recorded_as_late_and_never_applied():
    """I4: what comes after the end changes nothing."""
    desk = Desk(planned(1))
    desk.decide(1)
    settled, concluded = desk.decide(1, "denied")
    assert (settled.status, concluded.late, concluded.outcome) == ("late", True, "denied")
    assert desk.item(1).outcome == "approved"
    assert desk.case.late[0].outcome == "denied"


def test_a_late_result_that_is_done_in_the_world_opens_a_supervisors_task_once():
    desk = Desk(planned(1))
    desk.withdraw()
    desk.up(p.WithdrawalAnswered, 1)
    for _ in range(2):
        desk.decide(1, result={"done_in_world": True})
    (task,) = desk.case.tasks
    assert (task.kind, task.role, task.state) == ("late_result_done", "supervisor", "open")
    assert desk.view.status == "withdrawn"


# --- facts --------------------------------------------------------------------------------------------------------------


def test_a_silent_source_leaves_its_items_visibly_waiting_and_a_later_answer_releases_them():
    desk = Desk(planned(1, facts=["death"]))
    desk.fact("death", "silent")
    waits = desk.view.items[0].waiting_on
    assert (waits.kind, waits.name) == ("source", "registry")
    assert _ready(desk.fact("death", "confirmed")) == [item_id(1)]


def test_a_contradicted_fact_holds_its_items_for_a_task_and_sends_the_others_to_a_person():
    desk = Desk(planned(1, facts=["death"]), planned(2), planned(3, [(2, True)]))
    (ready,) = [m for m in desk.fact("death", "contradicted") if isinstance(m, p.ItemReady)]
    assert (ready.item_id, ready.to_person) == (item_id(2), True)
    assert desk.view.items[0].waiting_on.kind == "task"
    assert _ready(desk.fact("death", "contradicted")) == []
    (ready,) = [m for m in desk.decide(2) if isinstance(m, p.ItemReady)]
    assert (ready.item_id, ready.to_person) == (item_id(3), True)


def test_a_refuted_fact_ends_its_dependants():
    desk = Desk(planned(1, facts=["death"]), planned(2, [(1, True)]), planned(3))
    said = desk.fact("death", "contradicted", refuted=True)
    assert [(m.item_id, m.cause, m.reason_code) for m in said if isinstance(m, p.ItemCancelled)] == [
        (item_id(1), "terminated", "FACT_REFUTED"),
        (item_id(2), "terminated", "PREREQUISITE_REFUSED"),
    ]
    assert desk.item(3).status == "requested"


def test_a_fact_contradicted_after_it_was_confirmed_holds_its_items_and_goes_to_the_supervisor():
    desk = Desk(planned(1, facts=["death"]))
    desk.fact("death", "confirmed")
    assert names(desk.fact("death", "contradicted")) == ["EffectsFrozen", "ItemMoved"]
    assert [t.kind for t in desk.case.tasks] == ["fact_changed"]


# --- rounds ------------------------------------------------------------------------------------------------------------


def test_an_item_sent_back_goes_to_the_suggested_unit_as_a_new_round():
    """I5: rounds count per item."""
    desk = Desk(planned(1), planned(2, [(1, True)]))
    desk.decide(1)
    said = desk.up(p.ItemReturned, 2, suggested_unit="other")
    assert names(said) == ["ItemRequested", "ItemReady", "ItemMoved"]
    assert (said[0].unit, said[0].round, said[0].ready, said[0].reason_code) == ("other", 2, False, "WRONG_PLACE")
    assert desk.decide(2, round_=1)[0].status == "late"
    assert names(desk.decide(2, round_=2))[-1] == "CaseClosed"


def test_an_item_that_no_unit_takes_is_returned_and_a_supervisors_task():
    desk = Desk(planned(1), planned(2))
    units = []
    for round_ in (1, 2, 3):
        units += [m.unit for m in desk.up(p.ItemReturned, 1, round_) if isinstance(m, p.ItemRequested)]
    assert units == ["hall", "bureau"]
    assert desk.item(1).status == "returned"
    assert desk.view.items[0].waiting_on.kind == "task"
    assert [t.kind for t in desk.case.tasks] == ["nowhere_to_send"]
    assert desk.case.closed_at is None


def test_a_supplement_cures_the_findings_in_the_same_round():
    desk = Desk(planned(1), planned(2))
    desk.up(p.CheckPassed, 2)
    desk.up(p.CorrectionRequested, 1)
    assert (desk.view.items[0].status, desk.view.items[0].findings[0].code) == ("correcting", "BLURRED")
    cured = SEALED.model_copy(update={"ct": "BBBB"})
    part = p.SupplementedItem(item_id=item_id(1), sealed=cured)
    said = desk.say(p.ApplicationSupplemented(case_id=CASE_ID, round=2, items=(part,)))
    assert names(said) == ["ItemSupplemented", "ItemMoved"]
    assert (said[0].round, said[0].sealed_round, said[0].sealed) == (1, 2, cured)
    assert desk.view.items[0].status == "requested"


def test_a_revoked_decision_reopens_the_case_under_its_number_and_closes_it_again():
    desk = Desk(planned(1), planned(2))
    desk.decide(1)
    desk.decide(2)
    said = desk.up(p.ItemRevoked, 1)
    assert names(said) == ["ItemSettled", "CaseReopened", "ItemConcluded", "CaseClosed"]
    assert (said[0].round, said[0].status) == (2, "applied")
    assert (said[1].case.status, said[1].case.closed_at) == ("partial", None)
    assert (said[2].round, said[2].outcome) == (2, "revoked")
    assert (desk.view.status, desk.view.outcome) == ("closed", "partly_approved")
    assert desk.up(p.ItemRevoked, 1)[0].status == "late"


def test_a_correction_keeps_the_outcome_and_replaces_the_result():
    desk = Desk(planned(1))
    desk.decide(1, "approved", result={"amount": "1.00"})
    desk.up(p.ItemCorrected, 1, result={"amount": "2.00"})
    assert (desk.view.items[0].status, desk.view.items[0].result.public) == ("approved", {"amount": "2.00"})
    assert desk.case.openings == 2


# --- withdrawal --------------------------------------------------------------------------------------------------------


def test_a_whole_withdrawal_asks_for_the_items_on_application_only():
    desk = Desk(planned(1), planned(2, nature=Nature.EX_OFFICIO), planned(3, nature=Nature.NOTIFICATION))
    assert [m.item_id for m in desk.withdraw()] == [item_id(1)]
    assert desk.withdraw() == []
    desk.up(p.WithdrawalAnswered, 1)
    assert [i.status for i in desk.view.items] == ["withdrawn", "requested", "requested"]


def test_a_decision_that_was_quicker_than_the_withdrawal_stands():
    desk = Desk(planned(1))
    desk.withdraw(1)
    assert names(desk.decide(1)) == ["ItemSettled", "ItemConcluded", "CaseClosed"]
    assert desk.up(p.WithdrawalAnswered, 1, answer="already_decided") == []
    assert desk.timers == {}
    assert desk.view.outcome == "approved"


def test_a_handler_that_does_not_answer_a_withdrawal_in_time_is_told_that_it_is_over():
    desk = Desk(planned(1))
    desk.withdraw(1)
    (name,) = (name for name in desk.timers if name.startswith("withdrawal:"))
    said = desk.ring(name)
    assert names(said) == ["ItemCancelled", "ItemConcluded", "CaseClosed"]
    assert (said[0].cause, desk.view.status) == ("withdrawn", "withdrawn")


def test_an_item_that_is_withdrawn_with_its_prerequisite_ends_withdrawn_and_not_terminated():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    desk.withdraw()
    desk.up(p.WithdrawalAnswered, 1)
    assert desk.item(2).outcome is None
    desk.up(p.WithdrawalAnswered, 2)
    assert desk.view.status == "withdrawn"


def test_withdrawing_a_hard_prerequisite_ends_what_hangs_on_it():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    desk.withdraw(1)
    desk.up(p.WithdrawalAnswered, 1)
    assert [i.status for i in desk.view.items] == ["withdrawn", "terminated"]


# --- in the open ---------------------------------------------------------------------------------------------------------


def test_who_was_asked_and_says_nothing_can_be_found():
    desk = Desk(planned(1), planned(2, [(1, True)], check="none"))
    assert desk.item(1).unanswered_since == NOW
    assert desk.item(2).unanswered_since is None
    desk.up(p.CheckPassed, 1)
    assert desk.item(1).unanswered_since is None
    desk.decide(1)
    assert desk.item(2).unanswered_since == NOW


def test_the_state_survives_its_own_json():
    desk = Desk(planned(1, facts=["death"]), planned(2, [(1, False)]))
    desk.fact("death", "confirmed")
    desk.withdraw(2)
    assert type(desk.case).model_validate_json(desk.case.model_dump_json()) == desk.case
    assert context().now == NOW
    assert up(p.CheckPassed, 1).round == 1


def test_an_item_of_which_nothing_is_heard_is_an_operators_task_once():
    desk = Desk(planned(1), planned(2))
    look = lambda: desk.look(lambda turn: note_stuck(turn, NOW, {"s1"}))
    assert names(look()) == ["ItemMoved"]
    assert look() == []
    (task,) = desk.case.tasks
    assert (task.kind, task.role, task.data["matter"]) == ("stuck", "operator", "s1.thing")
    assert desk.view.items[0].waiting_on.kind == "operator"
    desk.up(p.CheckPassed, 1)
    assert task.state == "cancelled"
    assert desk.view.items[0].waiting_on is None


def test_a_stuck_item_that_is_sent_again_is_a_new_round():
    desk = Desk(planned(1))
    desk.look(lambda turn: note_stuck(turn, NOW, {"s1"}))
    requested, *_ = desk.settle_task("send_back")
    assert (requested.round, requested.unit) == (2, "desk")


def test_a_supervisor_says_where_an_item_belongs_that_nobody_took():
    desk = Desk(planned(1))
    for round_ in (1, 2, 3):
        desk.up(p.ItemReturned, 1, round_)
    with pytest.raises(Invalid):
        desk.settle_task("send_back", unit="nowhere")
    desk.case.tasks[0].state = "open"  # a failed command is rolled back
    requested, *_ = desk.settle_task("send_back", unit="other")
    assert (requested.round, requested.unit) == (4, "other")
    assert desk.case.tasks[0].state == "done"


def test_a_task_is_listed_and_escalates_on_its_date():
    desk = Desk(planned(1))
    desk.look(lambda turn: note_stuck(turn, NOW, {"s1"}))
    (row,) = [put.values for put in desk.last.puts]
    assert (row["application_no"], row["item_id"], row["state"]) == (desk.case.application_no, item_id(1), "open")
    (name,) = (name for name in desk.timers if name.startswith("task:"))
    desk.ring(name)
    assert desk.case.tasks[0].escalation > 0


def test_a_case_is_shown_as_a_graph_with_clocks_and_without_sealed_parts():
    desk = Desk(planned(1), planned(2, [(1, True)], facts=["death"]))
    desk.up(p.ItemAccepted, 1)
    desk.decide(1, sealed=SEALED)
    shown = case_graph(desk.case, context())
    assert shown["edges"] == [
        {"from": str(item_id(1)), "to": str(item_id(2)), "hard": True},
        {"from": "death", "to": str(item_id(2)), "hard": True},
    ]
    assert shown["obligations"] == [str(item_id(2))]
    assert shown["clock"]["examination"] == {"due": "2026-11-27", "lamp": "green", "provisional": False}
    assert shown["clock"]["handling"]["promised"] == "2026-11-27"
    assert "sealed" not in shown["items"][0]["result"]
    assert shown["items"][1]["waiting_on"]["kind"] == "source"


@pytest.mark.parametrize(
    ("role", "region", "unit", "sees"),
    [
        ("clerk", "420112", "elsewhere", True),
        ("town_clerk", "420000", "elsewhere", True),
        ("clerk", "420111", "elsewhere", False),
        ("handler", "420111", "desk", True),
        ("handler", "420112", "elsewhere", False),
        ("funeral_home", "420112", "desk", False),
        ("operator", "420000", "desk", False),
    ],
)
def test_a_case_is_seen_where_it_was_received_or_is_handled(role, region, unit, sees):
    who = Principal("wang", "王", "staff", (RoleInUnit(role, unit, region),))
    assert concerns(Desk(planned(1)).case, who, context().units) is sees
