"""Tolerance (容缺, elderly_onewindow 3.4: 到期不补不发证) and false commitments, as the coordinator carries them out."""

from __future__ import annotations

from datetime import date

from services.coordinator.domain.stuck import why_idle
from shared.catalog import protocol as p
from shared.outcomes import ApplicationStatus, ItemStatus, WaitKind
from tests.support.coordination import CASE_ID, SEALED, Desk, item_id, names, planned, up

PROMISE = date(2026, 12, 4)
LACKS = p.MaterialRef(type="bank_account", source="deferred", promise_by=PROMISE)
LATER = p.MaterialRef(type="photo", source="deferred", promise_by=date(2026, 12, 1))
PAPER = p.MaterialRef(type="bank_account", source="paper")


def lacking(n: int, *materials: p.MaterialRef, **more):
    return planned(n, **more).model_copy(update={"materials": materials or (LACKS,)})


def came(*materials: p.MaterialRef, round_: int = 2) -> p.ApplicationSupplemented:
    part = p.SupplementedItem(item_id=item_id(1), sealed=SEALED, materials=materials)
    return p.ApplicationSupplemented(case_id=CASE_ID, round=round_, items=(part,))


def test_a_grant_that_lacks_a_material_is_held_and_nothing_is_settled():
    desk = Desk(lacking(1), planned(2, after=[(1, True)]))
    said = desk.decide(1)
    assert "ItemSettled" not in names(said)
    assert "ItemConcluded" not in names(said)
    item = next(i for i in desk.view.items if i.item_id == item_id(1))
    assert (item.status, item.result) == (ItemStatus.CORRECTING, None)
    assert (item.waiting_on.kind, item.waiting_on.name, item.waiting_on.until) == (
        WaitKind.APPLICANT,
        "deferred_material",
        PROMISE,
    )
    assert desk.view.status is ApplicationStatus.CORRECTING
    assert desk.item(2).blocked, "what comes after waits with it"
    assert why_idle(desk.case) is None, "it waits for the applicant, visibly"


def test_once_it_has_come_the_grant_goes_into_force_as_it_was_decided():
    desk = Desk(lacking(1))
    desk.decide(1)
    said = desk.say(came(PAPER))
    assert names(said) == ["ItemSupplemented", "ItemSettled", "ItemConcluded", "CaseClosed"]
    assert desk.item(1).outcome is ItemStatus.APPROVED
    assert desk.item(1).held is None
    assert desk.item(1).unanswered_since is None
    assert names(desk.say(came(PAPER, round_=3))) == [], "and once"


def test_of_two_that_are_lacking_the_last_one_lets_it_go():
    desk = Desk(lacking(1, LACKS, LATER))
    desk.decide(1)
    assert desk.view.items[0].waiting_on.until == date(2026, 12, 1)
    desk.say(came(PAPER, LATER))
    assert desk.item(1).outcome is None
    desk.say(came(PAPER, p.MaterialRef(type="photo", source="upload"), round_=3))
    assert desk.item(1).outcome is ItemStatus.APPROVED


def test_what_grants_nothing_is_not_held():
    for outcome in ("denied", "not_applicable"):
        desk = Desk(lacking(1))
        desk.decide(1, outcome)
        assert desk.item(1).outcome == outcome


def test_what_comes_before_the_decision_holds_nothing():
    desk = Desk(lacking(1))
    desk.say(came(PAPER))
    desk.decide(1)
    assert desk.item(1).outcome is ItemStatus.APPROVED


def test_what_lapsed_ends_with_what_hangs_on_it():
    desk = Desk(lacking(1), planned(2, after=[(1, True)]), planned(3))
    desk.decide(1)
    lapsed = p.MaterialsLapsed(case_id=CASE_ID, items=(item_id(1),), reason_code="TOLERANCE_LAPSED")
    said = desk.say(lapsed)
    assert desk.item(1).outcome is ItemStatus.TERMINATED
    assert desk.item(1).result.reason_code == "TOLERANCE_LAPSED"
    assert desk.item(2).outcome is ItemStatus.TERMINATED
    assert desk.item(3).outcome is None
    assert "ItemSettled" not in names(said)
    assert "ItemCancelled" in names(said), "its handler drops the decision"
    assert names(desk.say(lapsed)) == [], "again is nothing new"


def test_what_came_in_the_meantime_does_not_lapse():
    desk = Desk(lacking(1))
    desk.say(came(PAPER))
    desk.say(p.MaterialsLapsed(case_id=CASE_ID, items=(item_id(1),), reason_code="TOLERANCE_LAPSED"))
    assert desk.item(1).outcome is None


def test_what_is_held_may_be_revoked_before_it_is_in_force():
    desk = Desk(planned(1), lacking(2, after=[(1, True)]))
    desk.decide(1)
    desk.decide(2)
    assert desk.item(2).held is not None
    desk.up(p.ItemRevoked, 2)
    assert (desk.item(2).outcome, desk.item(2).held) == (ItemStatus.REVOKED, None)


def found(*items: int) -> p.CommitmentFound:
    ids = tuple(map(item_id, items))
    return p.CommitmentFound(case_id=CASE_ID, material="proof", items=ids, reason_code="FALSE_COMMITMENT", law="law")


def test_a_false_commitment_is_reversed_where_it_was_granted_and_where_it_may_be_yet():
    desk = Desk(planned(1), planned(2), planned(3))
    desk.decide(1)
    desk.decide(2, "denied")
    said = desk.say(found(1, 2, 3))
    asked = [m for m in said if isinstance(m, p.ReversalRequested)]
    assert [(m.item_id, m.cause, m.reason_code) for m in asked] == [
        (item_id(1), "false_commitment", "FALSE_COMMITMENT"),
        (item_id(3), "false_commitment", "FALSE_COMMITMENT"),
    ]
    desk.say(up(p.ItemRevoked, 1, reason_code="FALSE_COMMITMENT"))
    assert desk.item(1).outcome is ItemStatus.REVOKED
    desk.up(p.ItemEnded, 3, reason_code="FALSE_COMMITMENT")
    assert desk.item(3).outcome is ItemStatus.TERMINATED
    assert desk.item(2).outcome is ItemStatus.DENIED
