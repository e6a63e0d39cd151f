"""The one correction paper: what the checks found is gathered, told at once, and told again only by rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.coordinator.domain.correction import on_delivered
from shared.catalog import protocol as p
from shared.errors import Conflict
from shared.outcomes import Nature
from tests.support.coordination import CASE_ID, SEALED, Desk, item_id, names, planned

FIFTH_DAY = date(2026, 11, 27)
"""The fifth working day after the receiving, a Friday."""


def finding(code: str, pointer: str = "") -> p.Finding:
    return p.Finding(code=code, pointer=pointer, message_zh="缺件", message_en="missing")


def asks(desk: Desk, n: int, *codes: str, round_: int = 1):
    return desk.up(p.CorrectionRequested, n, round_, findings=tuple(map(finding, codes)))


def cures(desk: Desk, *items: int):
    parts = tuple(p.SupplementedItem(item_id=item_id(n), sealed=SEALED) for n in items)
    return desk.say(p.ApplicationSupplemented(case_id=CASE_ID, round=2, items=parts))


def papers(desk: Desk) -> list[p.CorrectionIssued]:
    return [m for m in desk.sent if isinstance(m, p.CorrectionIssued)]


def told(desk: Desk) -> dict[int, list[str]]:
    """What the applicant is told now, by item."""
    return {n: [f.code for f in desk.item(n).findings] for n in (1, 2, 3) if item_id(n) in desk.case.items}


def test_findings_of_three_services_are_one_paper_when_the_last_has_answered():
    desk = Desk(planned(1), planned(2), planned(3, [(1, True)]))
    assert names(asks(desk, 1, "A")) == ["ItemMoved"]
    before = desk.view.items[0]
    assert (before.status, before.findings, before.waiting_on.name) == ("requested", (), "correction_paper")
    assert before.waiting_on.until == FIFTH_DAY
    assert desk.view.status == "submitted"
    asks(desk, 3, "C")
    assert papers(desk) == []
    said = asks(desk, 2, "B", "B2")
    assert names(said) == ["CorrectionIssued"]
    (paper,) = papers(desk)
    assert (paper.number, paper.items, paper.silent, paper.supervised) == (1, tuple(map(item_id, (1, 2, 3))), (), None)
    assert paper.answer_by == date(2026, 12, 7), "the fifteenth day is a Saturday"
    assert told(desk) == {1: ["A"], 2: ["B", "B2"], 3: ["C"]}
    assert [i.status for i in paper.case.items] == ["correcting", "correcting", "waiting"]
    assert {i.waiting_on.kind for i in paper.case.items} == {"applicant"}
    assert paper.case.status == "correcting"


@pytest.mark.parametrize(
    "answers",
    [
        lambda desk: desk.up(p.CheckPassed, 2),
        lambda desk: desk.up(p.ItemAccepted, 2),
        lambda desk: desk.up(p.ItemNotAccepted, 2),
        lambda desk: desk.decide(2),
    ],
)
def test_a_check_has_answered_whatever_its_answer_was(answers):
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    answers(desk)
    assert [paper.items for paper in papers(desk)] == [(item_id(1),)]


def test_what_is_not_checked_formally_is_not_waited_for():
    desk = Desk(planned(1), planned(2, check="none", nature=Nature.EX_OFFICIO))
    asks(desk, 1, "A")
    assert len(papers(desk)) == 1


def test_on_the_fifth_working_day_the_paper_goes_out_with_what_has_come_and_the_silent_are_named():
    """A plan's clock of its own, and the fifth working day of 行政许可法第三十二条."""
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    desk.wait_until(FIFTH_DAY - timedelta(days=1))
    assert papers(desk) == []
    desk.wait_until(FIFTH_DAY)
    (paper,) = papers(desk)
    assert (paper.items, paper.silent) == ((item_id(1),), (item_id(2),))
    (task,) = desk.case.tasks
    assert (task.kind, task.role, task.data["item_id"]) == ("check_silent", "supervisor", str(item_id(2)))
    desk.up(p.CheckPassed, 2)
    assert task.state == "cancelled"


def test_the_silent_are_named_though_nobody_found_anything():
    desk = Desk(planned(1), planned(2))
    desk.up(p.CheckPassed, 1)
    desk.wait_until(FIFTH_DAY)
    assert (papers(desk), desk.kinds()) == ([], ["check_silent"])


def test_a_late_first_finding_is_new_and_goes_out_only_in_a_supervisors_name():
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    desk.wait_until(FIFTH_DAY)
    assert names(asks(desk, 2, "B")) == ["ItemMoved"]
    waits = desk.view.items[1]
    assert (waits.status, waits.findings, waits.waiting_on.kind) == ("requested", (), "task")
    assert desk.kinds() == ["new_finding"]
    assert names(desk.settle_task("approve", "new_finding")) == ["CorrectionIssued"]
    paper = papers(desk)[-1]
    assert (paper.number, paper.items, paper.supervised) == (2, (item_id(2),), "wang")
    assert desk.case.papers[-1].new == 1
    assert told(desk) == {1: ["A"], 2: ["B"]}


def test_a_new_finding_that_is_denied_is_dropped_and_a_person_goes_on():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    cures(desk, 1)
    asks(desk, 1, "B")
    assert desk.kinds() == ["new_finding"]
    requested, ready, _ = desk.settle_task("deny")
    assert (requested.round, requested.ready, requested.reason_code) == (2, False, "FINDING_NOT_TOLD")
    assert (ready.round, ready.to_person) == (2, True)
    assert len(papers(desk)) == 1
    assert told(desk) == {1: []}


def test_a_new_finding_denied_beside_an_old_one_leaves_the_old_one_to_be_told_again():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    cures(desk, 1)
    asks(desk, 1, "A", "B")
    assert names(desk.settle_task("deny")) == ["CorrectionIssued"]
    assert (told(desk), desk.item(1).round) == ({1: ["A"]}, 1)


def test_new_findings_are_approved_or_denied_and_nothing_else():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    cures(desk, 1)
    asks(desk, 1, "B")
    with pytest.raises(Conflict, match="OUTCOME_NOT_POSSIBLE"):
        desk.settle_task("send_back")


def test_the_same_finding_not_yet_cured_is_told_again_without_anybodys_leave():
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    asks(desk, 2, "B")
    cures(desk, 1, 2)
    assert names(asks(desk, 1, "A")) == ["ItemMoved"]
    assert names(desk.up(p.CheckPassed, 2)) == ["CorrectionIssued"]
    assert [(paper.number, paper.supervised) for paper in papers(desk)] == [(1, None), (2, None)]
    assert desk.kinds() == []


def test_the_same_code_at_another_place_is_another_finding():
    desk = Desk(planned(1))
    desk.up(p.CorrectionRequested, 1, findings=(finding("REQUIRED", "/form/a"),))
    cures(desk, 1)
    desk.up(p.CorrectionRequested, 1, findings=(finding("REQUIRED", "/form/b"),))
    assert desk.kinds() == ["new_finding"]


def test_a_handlers_correction_after_acceptance_follows_the_same_rule():
    desk = Desk(planned(1), planned(2))
    desk.up(p.ItemAccepted, 1)
    desk.up(p.CheckPassed, 2)
    asks(desk, 1, "A")
    assert len(papers(desk)) == 1, "the first paper of the case"
    assert desk.view.items[0].status == "correcting"
    asks(desk, 2, "B")
    assert desk.kinds() == ["new_finding"]


def test_two_messages_of_one_check_lose_no_finding():
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    asks(desk, 1, "B")
    desk.up(p.CheckPassed, 2)
    assert told(desk)[1] == ["A", "B"]


def test_an_approved_finding_waits_for_the_others_that_a_supervisor_has_yet_to_see():
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    desk.up(p.CheckPassed, 2)
    cures(desk, 1)
    asks(desk, 1, "B")
    asks(desk, 2, "C")
    assert names(desk.settle_task("approve")) == ["ItemMoved"]
    assert names(desk.settle_task("approve")) == ["CorrectionIssued"]
    assert papers(desk)[-1].items == (item_id(1), item_id(2))
    assert desk.case.papers[-1].new == 2


def delivered(desk, on=date(2026, 11, 20), number=1):
    message = p.CorrectionDelivered(case_id=desk.case.id, number=number, delivered_on=on)
    return desk.look(lambda turn: on_delivered(turn, message))


def test_a_correction_that_nobody_answers_ends_its_item_and_what_hangs_on_it():
    """elderly_onewindow 3.3: 补正逾期视为放弃,可重报."""
    desk = Desk(planned(1), planned(2, [(1, True)]), planned(3))
    for n in (2, 3):
        desk.up(p.CheckPassed, n)
    asks(desk, 1, "A")
    delivered(desk)
    desk.wait_until(date(2026, 12, 7))
    assert desk.item(1).status == "correcting"
    desk.wait_until(date(2026, 12, 8))
    ended = [(m.item_id, m.reason_code) for m in desk.sent if isinstance(m, p.ItemCancelled)]
    assert ended == [(item_id(1), "CORRECTION_NOT_ANSWERED"), (item_id(2), "PREREQUISITE_REFUSED")]
    assert [i.status for i in desk.view.items] == ["terminated", "terminated", "requested"]


def test_nobody_is_silent_who_was_never_told():
    """A paper of which no delivery is recorded starts no days, so that nothing lapses: somebody delivers it."""
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    desk.wait_until(date(2026, 12, 8))
    assert (desk.item(1).outcome, desk.kinds()) == (None, ["not_answered"])
    (task,) = desk.case.tasks
    assert task.reason_code == "CORRECTION_NOT_DELIVERED"
    delivered(desk, date(2026, 12, 9))
    assert (desk.item(1).answer_by, desk.kinds()) == (date(2026, 12, 24), [])
    desk.wait_until(date(2026, 12, 25))
    assert desk.item(1).outcome == "terminated"


def test_a_delivery_that_is_recorded_after_its_days_are_over_ends_the_item_then():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    desk.wait_until(date(2026, 12, 8))
    delivered(desk)
    desk.wait_until(date(2026, 12, 8))
    assert (desk.item(1).outcome, desk.kinds()) == ("terminated", [])


def test_the_delivery_of_an_earlier_paper_moves_no_day_of_a_later_one():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    asks(desk, 1, "A")
    assert len(desk.case.papers) == 2
    delivered(desk, date(2026, 11, 25), number=2)
    delivered(desk, date(2026, 11, 21), number=1)
    assert desk.item(1).answer_by == date(2026, 12, 10)


def test_what_runs_by_law_does_not_end_because_a_citizen_is_silent():
    desk = Desk(planned(1, nature=Nature.EX_OFFICIO))
    asks(desk, 1, "A")
    delivered(desk)
    desk.wait_until(date(2026, 12, 8))
    assert (desk.item(1).outcome, desk.kinds()) == (None, ["not_answered"])
    assert names(desk.settle_task("deny")) == ["ItemCancelled", "ItemConcluded", "CaseClosed"]


def test_a_correction_answered_in_time_ends_nothing():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    desk.now += timedelta(days=3)
    cures(desk, 1)
    desk.up(p.ItemAccepted, 1, accepted_at=desk.now)
    desk.wait_until(date(2026, 12, 8))
    assert desk.item(1).outcome is None


def test_the_applicants_days_run_from_a_later_delivery():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    delivered(desk, date(2026, 11, 25))
    assert desk.item(1).answer_by == date(2026, 12, 10)
    desk.wait_until(date(2026, 12, 10))
    assert desk.item(1).outcome is None
    desk.wait_until(date(2026, 12, 11))
    assert desk.item(1).outcome == "terminated"


def test_a_supplement_takes_back_what_a_supervisor_was_asked_for_and_the_check_says_it_again():
    desk = Desk(planned(1))
    asks(desk, 1, "A")
    asks(desk, 1, "B")
    assert desk.kinds() == ["new_finding"]
    cures(desk, 1)
    assert (desk.kinds(), desk.item(1).found) == ([], None)
    asks(desk, 1, "B")
    assert desk.kinds() == ["new_finding"]


def test_an_item_that_is_withdrawn_takes_its_findings_with_it():
    desk = Desk(planned(1), planned(2))
    asks(desk, 1, "A")
    desk.withdraw(1)
    desk.up(p.CheckPassed, 2)
    assert papers(desk) == []
    desk.wait_until(FIFTH_DAY)
    desk.up(p.WithdrawalAnswered, 1)
    assert (papers(desk), desk.view.status) == ([], "partial")
