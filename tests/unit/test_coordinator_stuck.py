"""A case that nothing would ever move is told from one that waits."""

from services.coordinator.domain.stuck import why_idle
from shared.catalog import protocol as p
from shared.outcomes import WaitKind
from tests.support.coordination import NOW, Desk, planned


def test_an_item_whose_handler_says_what_it_waits_for_is_in_good_hands():
    desk = Desk(planned(1))
    waiting = p.WaitingOn(kind=WaitKind.TASK, name="review", since=NOW)
    desk.up(p.ItemProgressed, 1, waiting_on=waiting)
    assert why_idle(desk.case) is None


def test_an_item_of_which_nobody_says_anything_is_in_nobodys_hands():
    desk = Desk(planned(1))
    desk.item(1).unanswered_since = None
    assert why_idle(desk.case) == "IN_NOBODYS_HANDS"


def test_an_item_that_waits_for_another_is_not_idle_by_itself_until_that_one_has_ended_and_it_was_not_released():
    desk = Desk(planned(1), planned(2, [(1, True)]))
    desk.up(p.ItemProgressed, 1, waiting_on=p.WaitingOn(kind=WaitKind.TASK, name="review", since=NOW))
    assert why_idle(desk.case) is None
    desk.decide(1)
    desk.up(p.ItemProgressed, 2, waiting_on=p.WaitingOn(kind=WaitKind.TASK, name="review", since=NOW))
    assert why_idle(desk.case) is None
    desk.item(2).ready_round = 0  # what no code of ours does
    assert why_idle(desk.case) == "NOT_RELEASED"


def test_findings_a_pause_and_a_withdrawal_are_somebody_elses_move():
    for kinds in ((p.CorrectionRequested,), (p.ItemAccepted, p.ItemPaused)):
        desk = Desk(planned(1))
        for kind in kinds:
            desk.up(kind, 1)
        assert why_idle(desk.case) is None
    desk = Desk(planned(1), planned(2))
    desk.up(p.CorrectionRequested, 1)
    assert desk.item(1).found is not None
    desk.item(2).told = p.WaitingOn(kind=WaitKind.TASK, name="review", since=NOW)
    assert why_idle(desk.case) is None
    desk = Desk(planned(1))
    desk.withdraw()
    desk.item(1).unanswered_since = None
    assert why_idle(desk.case) is None
