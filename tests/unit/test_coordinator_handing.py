"""What the coordinator tells of persons: who handled an item, from where it was handed over, who is told to see to it."""

from __future__ import annotations

from datetime import date

from services.coordinator.domain.graph import case_graph
from shared.catalog import protocol as p
from tests.support.coordination import NOW, SEALED, Desk, context, planned


def shown(desk: Desk) -> p.ItemView:
    return desk.view.items[0]


def test_who_accepted_paused_and_resumed_is_told_and_a_rule_is_nobody():
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1, by="handler", names=SEALED)
    assert shown(desk).handled == p.Handled(accepted_by="handler", names=SEALED)
    desk.up(p.ItemPaused, 1, by="handler", names=SEALED)
    assert shown(desk).pause.by == "handler"
    desk.up(p.ItemResumed, 1, by="approver", names=SEALED)
    assert shown(desk).handled.resumed_by == "approver"
    ruled = Desk(planned(1))
    ruled.up(p.ItemAccepted, 1)
    assert shown(ruled).handled is None
    assert "ct" not in str(case_graph(desk.case, context(desk.now))["items"][0]["handled"]), (
        "names stay sealed for intake"
    )


def test_who_found_something_is_told_with_the_one_paper():
    desk = Desk(planned(1), planned(2))
    desk.up(p.CorrectionRequested, 1, by="handler")
    desk.up(p.CorrectionRequested, 2)
    (paper,) = [m for m in desk.sent if isinstance(m, p.CorrectionIssued)]
    assert paper.by == ("handler",)


def test_a_non_acceptance_keeps_its_words_sealed_and_who_turned_it_away():
    desk = Desk(planned(1))
    desk.up(p.ItemNotAccepted, 1, sealed=SEALED, acted=("handler",))
    assert (shown(desk).result.sealed, shown(desk).result.decided_by) == (SEALED, ("handler",))


def test_a_revocation_by_a_person_names_them():
    desk = Desk(planned(1))
    desk.decide(1)
    desk.up(p.ItemRevoked, 1, by="approver")
    assert shown(desk).result.decided_by == ("approver",)


def test_an_item_that_goes_to_another_unit_says_from_where_why_and_by_whom():
    """elderly_onewindow 3.1: 转办."""
    desk = Desk(planned(1))
    desk.up(p.ItemReturned, 1, by="handler")
    assert shown(desk).transfer == p.Transfer(from_unit="desk", reason_code="WRONG_PLACE", at=NOW, by="handler")
    assert shown(desk).unit == "hall"


def test_what_is_sent_anew_to_the_same_unit_is_handed_over_to_nobody():
    desk = Desk(planned(1))
    desk.up(p.CorrectionRequested, 1)
    desk.up(p.CorrectionRequested, 1, findings=(p.Finding(code="NEW", message_zh="新", message_en="new"),))
    desk.settle_task("deny", "new_finding")
    assert shown(desk).transfer is None


def test_each_time_somebody_is_told_of_what_is_late_it_is_told_and_counted():
    """elderly_onewindow 3.5: 红→科长+督办单,1工作日未反馈升局领导."""
    desk = Desk(planned(1))
    desk.up(p.ItemAccepted, 1)
    desk.wait_until(date(2026, 11, 30))
    first = shown(desk).supervision
    assert (first.kind, first.number, first.unit, first.since) == ("overdue", 1, "desk", date(2026, 11, 28))
    (task,) = desk.case.tasks
    assert first.answer_by == task.due
    desk.ring(f"task:{task.id}")
    again = shown(desk).supervision
    assert (again.number, again.kind) == (2, "overdue")
    assert again.answer_by > first.answer_by
    desk.wait_until(date(2026, 12, 12))
    by_law = shown(desk).supervision
    assert (by_law.kind, by_law.unit) == ("overdue_by_law", "hall")


def test_what_is_only_silent_has_no_slip_of_supervision():
    desk = Desk(planned(1))
    desk.up(p.CorrectionRequested, 1)
    desk.up(p.CorrectionRequested, 1, findings=(p.Finding(code="NEW", message_zh="新", message_en="new"),))
    assert desk.kinds() == ["new_finding"]
    assert shown(desk).supervision is None
