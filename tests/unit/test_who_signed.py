"""Papers name who handled what, and organisations by their names; slips between units; nothing of it for rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import cast

from services.intake.api.paper_views import may_see_paper
from services.intake.domain.follow import follow
from services.intake.domain.papers.issue import signatures
from services.intake.domain.papers.model import Moment, Paper
from services.intake.domain.papers.shown import to_text
from services.intake.domain.papers.templates import internal
from services.intake.tables import MESSAGE
from shared.catalog.protocol import CorrectionIssued, Due, Finding, Handled, Pause, Supervision, Transfer
from shared.handling.sealing import seal_names, seal_result
from shared.http.principal import Principal
from shared.outcomes import ItemStatus
from shared.spec import ServiceHandle
from tests.support.fake_ctx import FakeUnits
from tests.support.received import CASE, NOW, UNITS, concluded, ctx, item_of, paper_rows, received, view_of
from tests.unit.test_papers import WAIVER, content, lines, moved, ready, text_of, world

NAMES = {"420112-CA": "甲区民政局殡葬管理科", "FH-420112-01": "甲区殡仪馆", "420112": "甲区民政局"}
WORLD = replace(world(), units=FakeUnits({c: {**u, "name": NAMES.get(c, c)} for c, u in UNITS.items()}))
PEOPLE = {"handler": "陈志远", "approver": "黄玉梅"}


def handled(item, **who):
    names = seal_names(ctx().keyring.sealer(), item.service, CASE, item.item_id, PEOPLE)
    return Handled(names=names, **who)


def signed(row, state):
    """Who signed, as the paper's text says it."""
    one = ready(row, state, WORLD)
    one.numbered(1)
    named = [{**s, "name": one.content["signers"].get(s["signer"])} for s in signatures(one, None)]
    shown = {
        "content": one.content,
        "seal": {"name": "章", "number": None},
        "signatures": named,
        "hash": {"algorithm": "SHA-256", "value": "0"},
        "deliveries": [],
    }
    return [line for line in to_text(shown).splitlines() if line.startswith("签署")]


def test_a_pause_and_its_end_are_signed_by_whoever_said_so():
    state = received().state
    item = item_of(state, WAIVER)
    pause = Pause(ground="HEARING", since=NOW, until=date(2026, 12, 4), by="handler")
    (row,) = paper_rows(moved(state, item, status=ItemStatus.PAUSED, pause=pause, handled=handled(item)))
    assert signed(row, state) == ["签署：陈志远（经办）"]
    again = handled(item, resumed_by="approver")
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), status=ItemStatus.REVIEWING, pause=None, handled=again))
    assert (row["kind"], signed(row, state)) == ("resume", ["签署：黄玉梅（经办）"])


def test_where_nobody_said_who_paused_it_the_unit_answers_for_it_by_its_name():
    state = received().state
    pause = Pause(ground="HEARING", since=NOW, until=date(2026, 12, 4))
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), status=ItemStatus.PAUSED, pause=pause))
    assert signed(row, state) == ["签署：甲区民政局殡葬管理科（经办）"]


def test_an_acceptance_names_who_accepted_it_and_a_rule_s_nobody():
    state = received().state
    item = item_of(state, WAIVER)
    due = Due(promised=date(2026, 11, 30))
    said = {"status": ItemStatus.ACCEPTED, "accepted_at": NOW, "due": due}
    (row,) = paper_rows(moved(state, item, **said, handled=handled(item, accepted_by="handler")))
    assert signed(row, state) == ["签署：陈志远（经办）"]
    state = received().state
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), **said))
    assert signed(row, state) == ["签署：系统按规则"]


def test_a_correction_names_who_found_something_and_who_let_it_out():
    state = received().state
    item = item_of(state, WAIVER)
    finding = Finding(code="A", message_zh="缺少收费清单", message_en="a list is missing")
    asked = item.model_copy(update={"findings": (finding,), "handled": handled(item)})
    told = {"case": view_of(state, asked), "at": NOW, "items": (item.item_id,)}
    (row,) = [
        r
        for r in paper_rows(follow(state, CorrectionIssued(**told, number=1, by=("handler",)), ctx()))
        if r["kind"] == "correction"
    ]
    assert signed(row, state) == ["签署：陈志远（经办）"]
    state = received().state
    later = CorrectionIssued(**told, number=2, by=("handler",), supervised="supervisor")
    (row,) = [r for r in paper_rows(follow(state, later, ctx())) if r["kind"] == "correction"]
    assert signed(row, state) == ["签署：陈志远（经办）", "签署：supervisor（决定）"], (
        "a name that is not known is not made up"
    )


def test_a_non_acceptance_tells_in_the_handler_s_words_why_and_who_turned_it_away():
    """elderly_onewindow 3.4: NOT_ACCEPT 不予受理(含理由与救济途径)."""
    state = received().state
    item = item_of(state, WAIVER)
    state.items = [i.model_copy(update={"handled": handled(i)}) if i is item else i for i in state.items]
    sealed = seal_result(ctx().keyring.sealer(), "funeral", CASE, item.item_id, 1, {"comment": "逝者户籍在江岸区"})
    (row,) = paper_rows(
        concluded(
            state,
            WAIVER,
            ItemStatus.NOT_ACCEPTED,
            reason_code="NOT_LOCAL_HUKOU",
            sealed=sealed,
            decided_by=("handler",),
        )
    )
    assert lines(content(row, state, WORLD), "reason") == ["户籍不在本地", "逝者户籍在江岸区"]
    assert signed(row, state) == ["签署：陈志远（决定）"]


def test_a_funeral_home_stands_in_a_paper_by_its_name():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.APPROVED, public={"home_no": "FH-420112-01"}))
    text = text_of(content(row, state, WORLD))
    assert "承办机构：甲区殡仪馆" in text
    assert "FH-" not in text


def test_the_receipt_names_the_clerk():
    changes = received(names={"clerk": "周晓燕"})
    assert signed(paper_rows(changes)[0], changes.state) == ["签署：周晓燕（收件）"]
    assert "周晓燕" not in changes.state.model_dump_json()


def test_what_is_handed_over_to_another_unit_has_a_slip_that_says_why():
    """elderly_onewindow 3.1: 受理—转办—督办—答复链; 3.4: TRANSFER 转办单."""
    state = received().state
    item = item_of(state, WAIVER)
    handed = Transfer(from_unit="420112-CA", reason_code="WRONG_PLACE", at=NOW, by="handler")
    said = {"unit": "420112", "round": 2, "transfer": handed, "handled": handled(item)}
    (row,) = paper_rows(moved(state, item, **said))
    found = content(row, state, WORLD)
    text = text_of(found)
    assert found["title"]["zh"] == "转办单"
    assert "甲民转〔2026〕17号" in text
    for part in (
        "致：甲区民政局",
        "转出单位：甲区民政局殡葬管理科",
        "承接单位：甲区民政局",
        "转办理由：不属于本机关办理",
    ):
        assert part in text, part
    assert signed(row, state) == ["签署：陈志远（经办）"]
    assert paper_rows(moved(state, item_of(state, WAIVER), **said)) == [], "once"


def test_what_is_late_has_a_slip_of_supervision_each_time_somebody_is_told_and_no_applicant_hears_of_it():
    """elderly_onewindow 3.5: 红→科长+督办单,1工作日未反馈升局领导; 不自动批准,不因超时默认通过."""
    state = received().state
    told = Supervision(
        kind="overdue",
        number=1,
        unit="420112-CA",
        since=date(2026, 11, 24),
        answer_by=date(2026, 11, 25),
        at=NOW,
    )
    changes = moved(state, item_of(state, WAIVER), supervision=told)
    (row,) = paper_rows(changes)
    assert not any(put.table is MESSAGE for put in changes.puts), "nothing is told to the applicant by it"
    text = text_of(content(row, state, WORLD))
    for part in (
        *("督办单", "甲民督〔2026〕17号", "致：甲区民政局殡葬管理科", "督办事由：超过承诺的办理期限"),
        *(
            "逾期起始：自2026年11月24日起",
            "督办次数：第1次",
            "请于2026年11月25日前（含当日）书面反馈原因",
            "不因超时自动批准",
        ),
    ):
        assert part in text, part
    above = told.model_copy(update={"kind": "overdue_by_law", "number": 2, "unit": "420112"})
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), supervision=above))
    assert "督办单位：甲区民政局\n" in text_of(content(row, state, WORLD))
    assert "supervision" in internal()
    state.owner = "citizen"
    owner, nowhere = Principal("citizen", "李明", "citizen"), cast("ServiceHandle", None)
    paper = Paper(row["id"], CASE, row["kind"], row["title"], NOW, Moment.model_validate_json(row["moment"]))
    assert not may_see_paper(state, paper, owner, nowhere)
    assert may_see_paper(state, replace(paper, kind="pause"), owner, nowhere)
