"""Papers: which follow from what, what stands in them and from where, their numbers, the remedy, their terms."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta

import pytest
import yaml

from services.coordinator.domain.disputes import FACT_RETRACTED
from services.coordinator.domain.watch import NOT_CORRECTED
from services.intake.domain import sealing
from services.intake.domain.commitment import FALSE
from services.intake.domain.follow import follow
from services.intake.domain.papers import templates as templates_module
from services.intake.domain.papers import words
from services.intake.domain.papers.content import World
from services.intake.domain.papers.issue import (
    number_all,
    open_content,
    open_people,
    prepare,
    sealed_content,
    signatures,
)
from services.intake.domain.papers.model import Draft, Filed, Moment, Proof
from services.intake.domain.papers.shown import masked, to_text
from services.intake.domain.papers.templates import AGAINST, FILE, read, templates
from services.intake.domain.papers.typeset import moment, plain, typeset
from shared.catalog.authority import Authorities, Authority
from shared.catalog.definition import canonical, sha256_of
from shared.catalog.protocol import CorrectionIssued, Due, Extension, Finding, ItemMoved, Pause
from shared.crypto import Sealed
from shared.errors import Misconfigured, Poison
from shared.handling.limits import working_calendar
from shared.handling.sealing import seal_result
from shared.handling.terms import answer_by, remedy_terms
from shared.outcomes import ItemStatus
from shared.seals import SimulatedSeals
from tests.architecture.source import HOUSE
from tests.support.catalogue import SAMPLE
from tests.support.received import CASE, CATALOG, NOW, concluded, ctx, item_of, paper_rows, received, view_of

WAIVER = "funeral.fee_waiver"
REMEDY = {
    "reconsideration": "甲区人民政府",
    "reconsideration_days": 60,
    "court": "甲区人民法院",
    "court_months": 6,
    "law": "《甲法》第一条",
}


def authority(**changed):
    entry = {
        "matter": "*",
        "region": "420112",
        "effective_from": date(2024, 1, 1),
        "confidence": "未核实",
        "source": "测试",
        "mode": "own",
        "receiving": ("420112-HALL",),
        "accepting": "420112",
        "examining": "420112",
        "deciding": "420112",
        "organ": "420112",
        "organ_name": "甲区民政局",
        "organ_short": "甲民",
        "seal": "甲区民政局章",
        "remedy": REMEDY,
    }
    return Authority.model_validate({**entry, **changed})


def world(*entries):
    return World(CATALOG, Authorities(entries or (authority(),)), working_calendar())


def draft_of(row):
    return Draft(row["id"], row["case_id"], row["kind"], row["made_at"], Moment.model_validate_json(row["moment"]))


def ready(row, state, at=None):
    filed = Filed.model_validate_json(state.model_dump_json())
    keys = ctx().keyring
    return prepare(draft_of(row), filed, open_people(filed, keys), keys, at or world())


def content(row, state, at=None):
    found = ready(row, state, at)
    assert found is not None
    found.numbered(17)
    return found.content


def lines(found, part):
    return [line["text"] for p in found["parts"] if p["part"] == part for line in p["lines"]]


def moved(state, item, **changed):
    now = item.model_copy(update=changed)
    return follow(state, ItemMoved(case=view_of(state, now), at=NOW, item_id=item.item_id), ctx())


def text_of(found, *deliveries):
    shown = {
        "content": found,
        "terms": None,
        "seal": {"name": found["organ"]["seal"], "number": None},
        "signatures": [],
        "hash": {"algorithm": "SHA-256", "value": "0"},
        "deliveries": deliveries,
    }
    return to_text(shown)


# --- which papers, and what stands in them ----------------------------------------------------------------------------


def test_submission_makes_the_one_receipt_of_the_joint_case_with_each_matter_s_own_limits():
    changes = received()
    row, _ = paper_rows(changes)
    assert row["kind"] == "receipt"
    found = content(row, changes.state)
    assert found["number"] == "甲民收〔2026〕17号"
    told = {line["label"]: line["text"] for p in found["parts"] if p["part"] == "matters" for line in p["lines"]}
    assert set(told) == {typeset(CATALOG.matters[i.matter].official_name) for i in changes.state.items}
    assert told["基本殡葬服务费用减免"] == (
        "办理机关：甲区民政局；最迟于2026年11月30日（含当日）告知是否受理；承诺时限：自受理之日起5个工作日"
    )
    (query,) = lines(found, "query")
    assert re.search(r"查询码（[A-Z0-9]{2}\*{8}）", query)
    assert "不等于受理" in lines(found, "opening")[0]
    assert lines(found, "subject") == ["李国强"]
    assert lines(found, "signature") == ["甲区民政局", "2026年11月23日"], (
        "a receipt bears its date (行政许可法第三十二条)"
    )


def test_what_nobody_applies_for_is_not_promised_an_acceptance():
    """elderly_onewindow 3.5: what runs by law, or on a notice, is not accepted 受理: its clock runs from its start."""
    changes = received()
    found = content(paper_rows(changes)[0], changes.state)
    told = {line["label"]: line["text"] for p in found["parts"] if p["part"] == "matters" for line in p["lines"]}
    assert (
        told["老年人福利补贴停发"] == "办理机关：甲区民政局；依职权办理，无须受理；承诺时限：自启动办理之日起5个工作日"
    )
    assert told["遗体火化证明"] == "办理机关：甲区民政局；告知性事项，无须受理；承诺时限：自启动办理之日起15个工作日"


def test_each_matter_of_the_receipt_names_the_authority_that_is_its_own():
    changes = received()
    town = authority(
        matter="elderly.*",
        mode="devolved",
        deciding="420112001000",
        organ="420112001000",
        organ_name="乙街道",
        organ_short="乙街",
    )
    found = content(paper_rows(changes)[0], changes.state, world(authority(), town))
    told = {line["label"]: line["text"] for p in found["parts"] if p["part"] == "matters" for line in p["lines"]}
    assert told["老年人福利补贴停发"].startswith("办理机关：乙街道")
    assert told["基本殡葬服务费用减免"].startswith("办理机关：甲区民政局")


def test_acceptance_is_a_paper_of_its_own_for_what_was_applied_for_only():
    """elderly_onewindow 8-2: 收件给办件编号,受理另出受理文书."""
    state = received().state
    item = item_of(state, WAIVER)
    due = Due(promised=date(2026, 11, 30))
    (row,) = paper_rows(moved(state, item, status=ItemStatus.ACCEPTED, accepted_at=NOW, due=due))
    assert row["kind"] == "acceptance"
    found = content(row, state)
    assert "决定予以受理" in lines(found, "opening")[0]
    assert lines(found, "limits") == ["承诺时限：自受理之日起5个工作日", "2026年11月30日"]
    state = received().state
    ex_officio = item_of(state, "elderly.benefit_stop")
    assert paper_rows(moved(state, ex_officio, status=ItemStatus.ACCEPTED, accepted_at=NOW)) == []


def test_an_item_decided_in_the_same_moment_has_its_decision_alone():
    state = received().state
    made = paper_rows(concluded(state, WAIVER, ItemStatus.APPROVED, public={"waived": "980.00", "amount": "980.00"}))
    assert [row["kind"] for row in made] == ["approval"]
    assert lines(content(made[0], state), "result") == ["980.00", "980.00"]


def test_what_moved_is_seen_whichever_event_of_the_turn_shows_it_first():
    state = received().state
    accepted = item_of(state, WAIVER).model_copy(update={"status": ItemStatus.ACCEPTED, "accepted_at": NOW})
    other = item_of(state, "funeral.cremation")
    message = ItemMoved(case=view_of(state, accepted), at=NOW, item_id=other.item_id)
    assert [row["kind"] for row in paper_rows(follow(state, message, ctx()))] == ["acceptance"]
    again = ItemMoved(case=view_of(state, accepted), at=NOW, item_id=accepted.item_id)
    assert paper_rows(follow(state, again, ctx())) == []


def test_the_correction_paper_tells_every_finding_of_every_matter_at_once():
    """elderly_onewindow 3.4: 每件一次补正."""
    state = received().state
    keys = ctx().keyring
    item = item_of(state, WAIVER)
    written = seal_result(keys.sealer(), "funeral", CASE, item.item_id, 1, {"zh": "发票抬头写错", "en": "wrong"})
    findings = (
        Finding(code="A", message_zh="缺少收费清单", message_en="a list is missing"),
        Finding(code="B", message_zh="见说明", message_en="see", sealed=written),
    )
    asked = item.model_copy(update={"status": ItemStatus.CORRECTING, "findings": findings})
    second = item_of(state, "elderly.benefit_stop").model_copy(
        update={"findings": (Finding(code="C", message_zh="缺少收款账户", message_en="an account is missing"),)}
    )
    case = view_of(state, asked, second)
    ids = (asked.item_id, second.item_id)
    message = CorrectionIssued(case=case, at=NOW, number=1, items=ids, answer_by=date(2026, 12, 8))
    (row,) = [r for r in paper_rows(follow(state, message, ctx())) if r["kind"] == "correction"]
    assert "发票抬头" not in row["moment"]
    found = content(row, state)
    assert lines(found, "findings") == ["缺少收费清单", "发票抬头写错", "缺少收款账户"]
    assert lines(found, "answer_by") == [
        "请于2026年12月8日前（含当日）补正；本告知书送达晚于出具之日的，补正期限自送达之日起重新计算。"
    ]
    assert lines(masked(found), "findings") == ["缺少收费清单", "***", "缺少收款账户"]
    again = message.model_copy(update={"number": 2, "supervised": "supervisor"})
    (row,) = [r for r in paper_rows(follow(received().state, again, ctx())) if r["kind"] == "correction"]
    assert lines(content(row, state), "answer_by")[-1] == "本次为第2次告知，已经负责人批准。"
    later = ready(row, state)
    assert later is not None
    later.numbered(2)
    assert [s["signer"] for s in signatures(later, None)] == ["supervisor"]


def test_pause_resumption_and_extension_are_papers_once_each():
    """elderly_onewindow 3.5: 暂停要有文书与预计恢复日; 延期仅一次."""
    state = received().state
    item = item_of(state, WAIVER)
    pause = Pause(ground="HEARING", since=NOW, until=date(2026, 12, 4))
    (row,) = paper_rows(moved(state, item, status=ItemStatus.PAUSED, pause=pause))
    assert (row["kind"], lines(content(row, state), "pause")) == ("pause", ["HEARING", "9个工作日", "2026年12月4日"])
    paper = ready(row, state)
    assert paper is not None
    paper.numbered(1)
    assert [(s["signer"], s["method"]) for s in signatures(paper, None)] == [(item.unit, "unit")]
    assert paper.content["by_rule"] is False, "no rule ever pauses"
    later = pause.model_copy(update={"until": date(2026, 12, 5)})
    assert paper_rows(moved(state, item_of(state, WAIVER), pause=later)) == []
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), status=ItemStatus.REVIEWING, pause=None))
    assert row["kind"] == "resume"
    extension = Extension(to=date(2026, 12, 31), approved_by="supervisor", reason_code="NO_ANSWER")
    (row,) = paper_rows(moved(state, item_of(state, WAIVER), extension=extension))
    found = ready(row, state)
    assert found is not None
    found.numbered(1)
    reason, to, law = lines(found.content, "extension")
    assert (reason, to) == ("逾期未补正", "2026年12月31日")
    assert "第四十二条第一款" in law, "of the extension, not of the matter"
    assert [s["signer"] for s in signatures(found, None)] == ["supervisor"]
    assert paper_rows(moved(state, item_of(state, WAIVER), extension=extension)) == []


def test_non_acceptance_says_why_by_which_law_where_to_go_and_the_remedy():
    """elderly_onewindow 3.4: NOT_ACCEPT 不予受理(含理由与救济途径)."""
    state = received().state
    public = {"where_to_go": "江岸区政务服务大厅"}
    (row,) = paper_rows(
        concluded(
            state, WAIVER, ItemStatus.NOT_ACCEPTED, reason_code="NOT_LOCAL_HUKOU", law="《甲办法》第三条", public=public
        )
    )
    found = content(row, state)
    assert (row["kind"], lines(found, "reason"), lines(found, "law")) == (
        "non_acceptance",
        ["户籍不在本地"],
        ["《甲办法》第三条"],
    )
    assert lines(found, "where_to_go") == ["江岸区政务服务大厅"]
    assert "甲区人民政府" in found["remedy"]["text"]


def test_granting_a_stop_is_a_decision_against_somebody_and_one_that_stops_nothing_is_not():
    """marriage_funeral 10-5: 不予、停发、追缴类文书载明救济."""
    state = received().state
    (row,) = paper_rows(concluded(state, "elderly.benefit_stop", ItemStatus.APPROVED, public={"from": "2026-12"}))
    found = content(row, state)
    assert (row["kind"], found["title"]["zh"]) == ("stop", "停发决定书")
    assert found["remedy"]["text"].startswith("如不服本决定，可以自本文书送达之日起60日内向甲区人民政府申请行政复议")
    assert "6个月内向甲区人民法院提起行政诉讼" in found["remedy"]["text"]
    assert lines(found, "subject") == ["李国强"]
    state = received().state
    (row,) = paper_rows(concluded(state, "elderly.benefit_stop", ItemStatus.APPROVED))
    assert row["kind"] == "approval"


def test_a_stop_says_whose_and_which_benefit_ends_why_and_from_which_month():
    """社会救助法第四十八条: 书面告知并说明理由; a grant and a stop call their month by different names."""
    state = received().state
    public = {"schemes": [{"scheme": "age_allowance"}, {"scheme": "home_care"}], "from": "2026-12", "owed": "200.00"}
    made = concluded(state, "elderly.benefit_stop", ItemStatus.APPROVED, reason_code="DEATH_CONFIRMED", public=public)
    found = text_of(content(paper_rows(made)[0], state))
    for said in (
        "逝者：李国强",
        "理由：死亡事实已经权威来源核实",
        "待遇：高龄津贴、居家养老服务补贴",
        "停发起始月份（首个不发月份）：2026年12月",
        "应发未领（元）：200.00",
    ):
        assert said in found
    state = received().state
    made = concluded(state, WAIVER, ItemStatus.APPROVED, public={"amount": "100.00", "from": "2026-12"})
    found = text_of(content(paper_rows(made)[0], state))
    assert "每月金额（元）：100.00\n起始月份：2026年12月" in found


@pytest.mark.parametrize(
    "code",
    [
        *("CORRECTION_NOT_ANSWERED", "CORRECTION_NOT_DELIVERED", "TOLERANCE_LAPSED", "FALSE_COMMITMENT"),
        *("DEATH_RETRACTED", "FACT_RETRACTED", "FACT_REFUTED", "PREREQUISITE_REFUSED", "NOT_ON_ROLL"),
    ],
)
def test_what_the_platform_itself_ends_has_its_reason_in_words(code):
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.TERMINATED, reason_code=code))
    (said,) = lines(content(row, state), "reason")
    assert not re.search(r"[A-Z]", said)


def test_a_code_without_words_is_named_as_a_code_and_what_was_written_beside_it_is_told():
    """行政许可法第三十八条: 依法作出不予许可的书面决定的,应当说明理由."""
    state = received().state
    item = item_of(state, WAIVER)
    sealed = seal_result(ctx().keyring.sealer(), "funeral", CASE, item.item_id, 1, {"comment": "家中有存款"})
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED, reason_code="ODD", sealed=sealed))
    assert lines(content(row, state), "reason") == ["其他（代码 ODD）", "家中有存款"]


def test_a_law_that_is_not_in_force_on_the_paper_s_day_is_not_cited():
    """assistance 0-1: 规则集按日期分版本; 社会救助法 2026-07-01 施行."""
    early = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
    state = received(
        {**deepcopy(SAMPLE), "form": {**SAMPLE["form"], "death": {**SAMPLE["form"]["death"], "date": "2026-06-20"}}},
        early,
    ).state
    for at, cited in ((early, False), (early + timedelta(days=1), True)):
        (row,) = paper_rows(concluded(state, "assistance.benefit_stop", ItemStatus.TERMINATED, at=at))
        assert ("《社会救助法》" in str(lines(content(row, state), "law"))) is cited


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (ItemStatus.DENIED, "denial"),
        (ItemStatus.NOT_APPLICABLE, "not_applicable"),
        (ItemStatus.WITHDRAWN, "withdrawal"),
        (ItemStatus.TERMINATED, "termination"),
        (ItemStatus.REVOKED, "revocation"),
    ],
)
def test_every_end_has_its_paper(outcome, kind):
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, outcome))
    assert row["kind"] == kind
    assert (content(row, state)["remedy"] is not None) is (kind != "withdrawal")


def codes_of_rules():
    """The reason codes by which rules conclude an item, in every service, and by which the coordinator ends one."""
    sources = [path for path in (HOUSE / "services").rglob("*.py") if "migrations" not in path.parts]
    concluding = re.compile(r'(?:Conclude\(|_known\()[^\n]*?"([A-Z]+(?:_[A-Z]+)+)"')
    return {code for path in sources for code in concluding.findall(path.read_text("utf-8"))} | {
        NOT_CORRECTED,
        FACT_RETRACTED,
        FALSE,
        "HUKOU_CONTRADICTED",
        "NOT_LOCAL_HUKOU",
    }


def test_every_code_by_which_an_item_ends_has_words_in_its_paper():
    codes = codes_of_rules()
    assert {"CONDITIONS_MET", "EVIDENCE_SEEN"} <= codes, "the codes in the source are found"
    assert {code for code in codes if code in words.reason(code)} == set()


def test_a_paper_stands_as_it_was_made_whatever_happened_to_its_item_since():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.APPROVED, public={"amount": "980.00"}))
    concluded(state, WAIVER, ItemStatus.REVOKED, at=NOW + timedelta(days=1))
    assert lines(content(row, state), "result") == ["980.00"]


def test_an_application_with_no_law_of_the_decision_s_own_cites_the_matter_s_with_its_marks():
    state = received().state
    (row,) = paper_rows(concluded(state, "elderly.benefit_stop", ItemStatus.APPROVED, public={"from": "2026-12"}))
    assert lines(content(row, state), "law") == [
        "、".join(r.marked() for r in CATALOG.matters["elderly.benefit_stop"].law)
    ]


# --- organ, seal and remedy are the authority's -----------------------------------------------------------------------


def test_organ_seal_and_remedy_follow_the_authority_of_the_day():
    later = authority(
        effective_from=date(2026, 11, 24),
        mode="devolved",
        deciding="420112001000",
        organ="420112001000",
        organ_name="乙街道办事处",
        organ_short="乙街",
        seal="乙街道章",
        remedy={**REMEDY, "reconsideration": "乙机关", "reconsideration_days": 90},
    )
    places = world(authority(), later)
    for at, organ, seal, where in (
        (NOW, "甲区民政局", "甲区民政局章", "60日内向甲区人民政府"),
        (NOW + timedelta(days=1), "乙街道办事处", "乙街道章", "90日内向乙机关"),
    ):
        state = received().state
        (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED, at=at))
        found = content(row, state, places)
        assert (found["organ"]["name"], found["organ"]["seal"]) == (organ, seal)
        assert where in found["remedy"]["text"]
        assert lines(found, "signature")[0] == organ


def test_where_nobody_has_authority_no_paper_is_issued():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED))
    assert ready(row, state, world(authority(region="420102"))) is None


# --- templates --------------------------------------------------------------------------------------------------------


def raw_templates():
    return yaml.safe_load(FILE.read_text("utf-8"))


def test_templates_hold_no_law_no_term_and_no_organ():
    """Law, limits, organ, seal and remedy come from the matter and its authority."""
    words = re.compile(r"《|》|第.{1,4}条|\d|[一二三四五六七八九十]+(日|个月|天|年)|复议|诉讼|民政局|人民政府|法院")
    for kind, template in templates().items():
        for text in (template.opening, template.closing, template.title.zh):
            assert not words.search(text), (kind, text)


def test_a_file_that_leaves_out_the_remedy_is_refused_whichever_paper_goes_against_somebody():
    for kind in sorted(AGAINST):
        rows = raw_templates()
        rows[kind]["parts"].remove("remedy")
        with pytest.raises(Misconfigured, match=kind):
            read(rows)
    rows = raw_templates()
    del rows["stop"]
    with pytest.raises(Misconfigured, match="stop"):
        read(rows)


def test_two_kinds_with_one_word_of_numbers_are_refused():
    rows = raw_templates()
    rows["receipt"]["word"] = rows["acceptance"]["word"]
    with pytest.raises(Misconfigured, match="字号"):
        read(rows)


def test_every_part_a_template_names_is_there():
    from services.intake.domain.papers.parts import PARTS

    assert {part for t in templates().values() for part in t.parts} <= {*PARTS, templates_module.REMEDY}


# --- numbers, hashes, signatures --------------------------------------------------------------------------------------


def test_numbers_are_an_organ_s_of_a_kind_and_a_year_of_beijing_and_without_gaps():
    eve = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    prepared = []
    for at in (eve, eve + timedelta(seconds=1), eve + timedelta(hours=1)):
        state = received().state
        (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED, at=at))
        prepared.append(ready(row, state))
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.APPROVED, at=eve))
    prepared.append(ready(row, state))
    last = {("甲民", "不准", 2026): 5, ("甲民", "不准", 2027): 2, ("甲民", "决", 2026): 1}
    number_all(prepared, last)
    assert [p.number for p in prepared] == [
        *("甲民不准〔2026〕5号", "甲民不准〔2027〕1号", "甲民不准〔2027〕2号", "甲民决〔2026〕1号")
    ]


def test_the_hash_is_of_the_whole_content_and_the_content_rests_sealed_for_its_paper_alone():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED))
    one = ready(row, state)
    assert one is not None
    one.numbered(1)
    keys = ctx().keyring
    text = sealed_content(one, keys)
    assert "李明" not in text
    opened = open_content(keys, CASE, row["id"], Sealed.from_text(text))
    assert sha256_of(canonical(opened)) == one.digest
    with pytest.raises(Poison):
        open_content(keys, CASE, CASE, Sealed.from_text(text))


async def test_who_signed_is_named_and_the_rule_where_nobody_did():
    state = received().state
    made = concluded(state, WAIVER, ItemStatus.DENIED, decided_by=("handler", "approver"))
    one = ready(paper_rows(made)[0], state)
    assert one is not None
    one.numbered(1)
    (mark,) = await SimulatedSeals().seal([one.to_seal()])
    rows = signatures(one, mark)
    assert [(r["signer"], r["role"], r["method"]) for r in rows] == [
        ("handler", "handled", "account"),
        ("approver", "decided", "account"),
        ("甲区民政局章", "seal", "seal"),
    ]
    assert {(r["algorithm"], r["digest"]) for r in rows} == {("SHA-256", one.digest)}
    made = concluded(received().state, WAIVER, ItemStatus.APPROVED, by_rule=True)
    ruled = ready(paper_rows(made)[0], state)
    assert ruled is not None
    ruled.numbered(2)
    assert [(s["signer"], s["method"]) for s in signatures(ruled, None)] == [("system", "rule")]
    assert "系统按规则" in lines(ruled.content, "decided")[0]


def test_an_unsealed_paper_says_so():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED))
    assert "印章：甲区民政局章（未用印）" in text_of(content(row, state))


def test_what_is_personal_is_masked_in_json_and_text():
    payee = {"payee": {"holder": "李明", "number": "6222020000001234567"}}
    state = received().state
    item = item_of(state, "elderly.benefit_stop")
    sealed = seal_result(ctx().keyring.sealer(), "elderly", CASE, item.item_id, 1, payee)
    made = concluded(state, item.matter, ItemStatus.APPROVED, public={"from": "2026-12"}, sealed=sealed)
    found = content(paper_rows(made)[0], state)
    assert "致：李明" in text_of(found)
    assert "6222020000001234567" not in text_of(found), "an account is named by its last digits only"
    hidden = text_of(masked(found))
    assert "致：李*" in hidden
    assert "4567" not in hidden
    assert "李明" not in hidden


@pytest.mark.parametrize(
    ("method", "relation", "told", "not_told"),
    [
        ("in_person", "spouse", ("签收人：王芳", "与受送达人的关系：配偶"), ("视为送达",)),
        ("left", None, ("受送达人：王芳",), ("签收人",)),
        (
            "public",
            None,
            ("公告时间：2026年11月23日10:00", "视为送达之日：2026年12月23日"),
            ("签收人", "王芳", "已经送达"),
        ),
    ],
)
def test_the_proof_of_delivery_says_who_signed_as_whose_what_and_when(method, relation, told, not_told):
    """elderly_onewindow 3.4: DELIVERY 送达回证; 民事诉讼法第八十七条: 受送达人在送达回证上记明收到日期,签名或者盖章."""
    state = received().state
    effect = datetime(2026, 12, 23, 15, 59, 59, tzinfo=UTC) if method == "public" else NOW
    proof = {"paper_id": CASE, "title": "不予批准决定书", "number": "甲民不准〔2026〕1号", "by": "clerk", "at": NOW}
    name = sealing.seal(ctx().keyring, CASE, "receiver/proof", 0, {"name": "王芳"})
    moment_ = Moment(
        items=(item_of(state, WAIVER),),
        by=("clerk",),
        proof=Proof(**proof, method=method, takes_effect=effect, relation=relation),
        receiver=name,
    )
    draft = Draft(CASE, CASE, "delivery", NOW, moment_)
    filed = Filed.model_validate_json(state.model_dump_json())
    keys = ctx().keyring
    one = prepare(draft, filed, open_people(filed, keys), keys, world())
    assert one is not None
    one.numbered(1)
    shown = text_of(one.content)
    assert [said for said in told if said not in shown] == []
    assert [said for said in not_told if said in shown] == []
    assert [s["role"] for s in signatures(one, None)] == ["delivered"]


def test_an_announced_paper_says_from_when_it_counts_as_delivered():
    state = received().state
    (row,) = paper_rows(concluded(state, WAIVER, ItemStatus.DENIED))
    effect = datetime(2026, 12, 23, 15, 59, 59, tzinfo=UTC).isoformat()
    announced = {"method": "public", "at": NOW.isoformat(), "takes_effect": effect, "effective": True}
    said = text_of(content(row, state), announced)
    assert said.splitlines()[-1] == "送达：公告送达，2026年11月23日发出公告，2026年12月23日期满视为送达"


# --- how papers are set -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "as_set"),
    [
        ("您于2026年2月13日提交的申请已收件,办件编号 4201。", "您于2026年2月13日提交的申请已收件，办件编号 4201。"),
        ("金额(元):100.00", "金额（元）：100.00"),
        ("《意见(民发〔2018〕23号)》(一事一议(重大))", "《意见（民发〔2018〕23号）》（一事一议（重大））"),
        ("SHA-256 (a,b): 09:05", "SHA-256 (a,b): 09:05"),
        ("申请(办件编号 42)需要补正;请", "申请（办件编号 42）需要补正；请"),
    ],
)
def test_chinese_text_has_chinese_marks_and_numbers_keep_theirs(text, as_set):
    """GB/T 15834."""
    assert typeset(text) == as_set
    assert typeset(as_set) == as_set


def test_dates_stand_in_words():
    """GB/T 9704."""
    assert [plain(v) for v in ("2026-03-02", "2026-12", "980.00")] == ["2026年3月2日", "2026年12月", "980.00"]
    assert moment(datetime(2026, 11, 20, 17, 5, tzinfo=UTC)) == "2026年11月21日01:05"


# --- terms from delivery ----------------------------------------------------------------------------------------------


def test_remedy_terms_run_from_delivery_and_a_last_rest_day_moves():
    """assistance 1: 60日内…复议,或六个月内起诉;自送达起算; marriage_funeral 10-5."""
    at = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    found = remedy_terms(REMEDY, at, working_calendar())
    # 60 days after 4 March is Sunday 3 May, in the holiday: Wednesday 6 May. Six months: 4 September, a Friday.
    assert (found["reconsideration_by"], found["court_by"], found["provisional"]) == ("2026-05-06", "2026-09-04", False)
    late = datetime(2026, 8, 30, 16, 30, tzinfo=UTC)  # 31 August in Beijing
    assert remedy_terms(REMEDY, late, working_calendar())["court_by"] == "2027-03-01"


def test_the_answer_s_term_may_run_from_delivery():
    at = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    assert answer_by(at, 15, "calendar", working_calendar()) == date(2026, 12, 7)
    assert answer_by(at, 5, "working", working_calendar()) == date(2026, 11, 27)
