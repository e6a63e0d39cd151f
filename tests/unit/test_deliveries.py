"""Delivery: who may be given a paper, when it counts, what is refused and leaves everything as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.intake.domain.papers.deliver import Delivery, Ground, deliver
from services.intake.domain.papers.model import Correction, Moment, Paper
from services.intake.tables import PAPER_DELIVERY, TIMELINE
from shared.clock import beijing_date
from shared.errors import Invalid, RefusedError
from shared.outcomes import ItemStatus
from tests.support.received import CASE, NOW, POLICY, concluded, ctx, paper_rows, received

LATER = NOW + timedelta(days=2)
PROOF = str(UUID(int=9))
PARTIES = {
    "applicant": {"name": "李明", "relation": "child"},
    "subject": {"name": "李老人", "role": "subject"},
    "agent": {"name": "王代理", "kind": "lawyer"},
}


def paper(state, **changed):
    (row,) = paper_rows(concluded(state, "funeral.fee_waiver", ItemStatus.DENIED))
    moment = Moment.model_validate_json(row["moment"])
    issued = {"number": "甲民不准〔2026〕1号", "digest": "0"}
    made = Paper(row["id"], CASE, row["kind"], row["title"], row["made_at"], moment, **issued)
    return replace(made, **changed)


def ground(state, form=None, **changed):
    return Ground(paper(state, **changed), PARTIES, form or {}, "420112")


def judged(state):
    return ground(state)


def given(method="in_person", at=NOW, receiver="李明", **more):
    return Delivery.model_validate({"method": method, "at": at.isoformat(), "receiver": receiver, **more})


def notice(at=NOW, ground="other_ways_failed", ways=("in_person", "post"), tried_at=NOW, **more):
    tried = [{"method": way, "at": tried_at.isoformat(), "failure": "门锁,无人应答"} for way in ways]
    return given("public", at=at, receiver="公告", proof_file_id=PROOF, ground=ground, tried=tried, **more)


def delivered(how, form=None, now=LATER, actor="clerk", **changed):
    state = received().state
    return deliver(state, how, ground(state, form, **changed), ctx(now, actor))


def rows(changes, table):
    return [dict(put.values) for put in changes.puts if put.table is table]


def test_the_party_is_delivered_to_and_the_proof_is_a_paper_of_its_own():
    """elderly_onewindow 3.4: DELIVERY 送达回证."""
    changes, answer = delivered(given())
    (row,) = rows(changes, PAPER_DELIVERY)
    assert (row["effective"], row["at"], row["takes_effect"], row["by"]) == (True, NOW, NOW, "clerk")
    assert answer["effective"] is True
    (proof,) = paper_rows(changes)
    assert proof["kind"] == "delivery"
    assert "第八十八条" in proof["moment"]
    everything = str([put.values for put in changes.puts])
    assert "李明" not in everything
    assert "李明" not in changes.state.model_dump_json()
    assert rows(changes, TIMELINE)[0]["text_zh"] == "《不予批准决定书》已送达(直接送达)。"


def test_the_days_to_answer_a_correction_run_from_the_delivery_that_counts_and_from_no_other():
    told = Moment(correction=Correction(number=2))
    changes, _ = delivered(given(), kind="correction", moment=told)
    assert [(e.topic, e.message.number, e.message.delivered_on) for e in changes.emits] == [
        ("onewindow.coordinator.requests", 2, beijing_date(NOW))
    ]
    assert delivered(given(), kind="correction", moment=told, delivered_at=NOW)[0].emits == []
    assert delivered(given())[0].emits == []


def test_a_second_delivery_is_further_evidence_and_moves_no_term():
    changes, answer = delivered(given(at=LATER), delivered_at=NOW)
    assert rows(changes, PAPER_DELIVERY)[0]["effective"] is False
    assert answer["effective"] is False


@pytest.mark.parametrize(
    ("receiver", "relation", "method"),
    [
        ("王代理", None, "in_person"),
        ("李老人", None, "in_person"),
        ("赵四", "spouse", "in_person"),
        ("赵四", "cohabiting_family", "village_worker"),
        ("收发室", "mail_room", "post"),
        ("李明", None, "left"),
    ],
)
def test_those_the_law_lets_receive_may_receive(receiver, relation, method):
    """民事诉讼法第八十八条、第八十九条、第九十一条: 本人、同住成年家属、代收人、代理人."""
    changes, _ = delivered(given(method, receiver=receiver, receiver_relation=relation, proof_file_id=PROOF))
    assert rows(changes, PAPER_DELIVERY)[0]["relation"] == relation


@pytest.mark.parametrize(("method", "receiver"), [("left", "李明"), ("public", "公告")])
def test_leaving_a_paper_or_announcing_it_needs_a_record_of_how_it_was_done(method, receiver):
    """民事诉讼法第八十九条: 见证人签名,或者拍照、录像; 第九十五条: 在案卷中记明原因和经过."""
    with pytest.raises(Invalid) as wrong:
        delivered(given(method, receiver=receiver))
    assert [(e.pointer, e.code) for e in wrong.value.errors] == [("/proof_file_id", "REQUIRED")]


def test_the_dead_person_an_application_is_about_receives_nothing():
    state = received().state
    judged = replace(ground(state), form={"death": {"date": "2026-11-10"}})
    with pytest.raises(RefusedError):
        deliver(state, given(receiver="李老人"), judged, ctx(LATER))


@pytest.mark.parametrize(
    ("receiver", "relation", "method"),
    [("赵四", None, "in_person"), ("赵四", "neighbour", "in_person"), ("收发室", "mail_room", "in_person")],
)
def test_a_stranger_is_refused_with_the_rule(receiver, relation, method):
    state = received().state
    judged = ground(state)
    before = state.model_dump_json()
    with pytest.raises(RefusedError) as refused:
        deliver(state, given(method, receiver=receiver, receiver_relation=relation), judged, ctx(LATER))
    assert refused.value.code == "NOT_A_RECEIVER"
    assert "第八十八条" in refused.value.refused.law
    assert state.model_dump_json() == before


def test_electronic_delivery_needs_the_applicant_s_recorded_consent():
    """民事诉讼法第九十条: 经受送达人同意."""
    with pytest.raises(RefusedError) as refused:
        delivered(given("electronic"), {"electronic_delivery": False})
    assert refused.value.code == "NO_CONSENT"
    changes, _ = delivered(given("electronic"), {"electronic_delivery": True})
    assert rows(changes, PAPER_DELIVERY)[0]["method"] == "electronic"


def test_a_delivery_is_never_in_the_future_and_never_before_its_paper():
    for at, code in ((LATER + timedelta(seconds=1), "IN_FUTURE"), (NOW - timedelta(seconds=1), "BEFORE_ISSUE")):
        with pytest.raises(Invalid) as wrong:
            delivered(given(at=at))
        assert [e.code for e in wrong.value.errors] == [code]


def test_a_public_notice_counts_when_its_days_are_over():
    """民事诉讼法公告送达: 自发出公告之日起,经过三十日,即视为送达 (2022-01-01 起; 此前六十日)."""
    at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    changes, _ = delivered(notice(at))
    # Thirty days after 23 November are over as 23 December ends in Beijing: that day is the day of delivery.
    (row,) = rows(changes, PAPER_DELIVERY)
    assert row["takes_effect"] == datetime(2026, 12, 23, 15, 59, 59, tzinfo=UTC)
    assert beijing_date(row["takes_effect"]) == date(2026, 12, 23)
    (line,) = rows(changes, TIMELINE)
    assert line["text_zh"] == "《不予批准决定书》已发出公告(公告送达),公告期满(2026-12-23)视为送达。"
    assert POLICY.find("delivery.public", "420112", date(2021, 12, 31)).value["days"] == 60
    assert POLICY.find("delivery.public", "420112", date(2022, 1, 1)).value["days"] == 30


@pytest.mark.parametrize(
    ("ground", "ways", "code"),
    [
        (None, ("in_person", "post"), "NO_GROUND_FOR_NOTICE"),
        ("whereabouts_unknown", (), "OTHER_WAYS_FIRST"),
        ("other_ways_failed", (), "OTHER_WAYS_FIRST"),
        ("other_ways_failed", ("post", "post"), "OTHER_WAYS_FIRST"),
    ],
)
def test_a_public_notice_without_a_ground_and_the_ways_before_it_is_refused_with_the_rule(ground, ways, code):
    """民事诉讼法第九十五条: 受送达人下落不明,或者用本节规定的其他方式无法送达的,公告送达."""
    state = received().state
    at = judged(state)
    before = state.model_dump_json()
    with pytest.raises(RefusedError) as refused:
        deliver(state, notice(ground=ground, ways=ways), at, ctx(LATER))
    assert refused.value.code == code
    assert "第九十五条" in refused.value.refused.law
    assert "下落不明" in refused.value.refused.law
    assert state.model_dump_json() == before


@pytest.mark.parametrize(
    ("ground", "ways"),
    [("whereabouts_unknown", ("village_worker",)), ("other_ways_failed", ("in_person", "electronic"))],
)
def test_a_public_notice_is_recorded_with_its_ground_and_what_was_tried(ground, ways):
    """民事诉讼法第九十五条: 在案卷中记明原因和经过."""
    changes, _ = delivered(notice(LATER, ground=ground, ways=ways))
    (proof,) = paper_rows(changes)
    kept = Moment.model_validate_json(proof["moment"]).proof
    assert kept is not None
    assert (kept.ground, [t.method for t in kept.tried]) == (ground, list(ways))
    assert "门锁" not in str([put.values for put in changes.puts]), "in words it rests sealed"


def test_what_was_tried_lies_between_the_paper_and_its_notice():
    for at in (NOW - timedelta(minutes=1), LATER - timedelta(minutes=1)):
        with pytest.raises(Invalid) as wrong:
            delivered(notice(NOW + timedelta(hours=1), tried_at=at))
        assert [(e.pointer, e.code) for e in wrong.value.errors] == [
            (f"/tried/{n}/at", "NOT_BEFORE_NOTICE") for n in (0, 1)
        ]
    with pytest.raises(Invalid) as wrong:
        delivered(given(ground="whereabouts_unknown"))
    assert [(e.pointer, e.code) for e in wrong.value.errors] == [("/ground", "ONLY_OF_NOTICE")]


def test_what_goes_to_units_alone_is_given_to_no_party():
    with pytest.raises(RefusedError) as refused:
        delivered(given(), kind="supervision")
    assert refused.value.code == "INTERNAL_PAPER"


def test_a_delivery_says_when_in_a_zone_and_by_a_known_way():
    for wrong in ({"method": "pigeon"}, {"at": "2026-11-23T10:00:00"}, {"proof_file_id": "x"}, {"more": 1}):
        with pytest.raises(ValidationError):
            Delivery.model_validate({"method": "post", "at": NOW.isoformat(), "receiver": "李明", **wrong})
