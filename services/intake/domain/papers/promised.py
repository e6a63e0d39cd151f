"""The parts of papers about what was promised instead of brought: what may follow (容缺), what was committed to (告知承诺)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.intake.domain.papers import words
from services.intake.domain.papers.lines import NAME, Line, line
from services.intake.domain.papers.typeset import day, moment
from shared.catalog.commitments import CommitmentText, commitments
from shared.catalog.materials import NAMES

if TYPE_CHECKING:
    from services.intake.domain.papers.content import Source

TOLERANCE_LAW = "国务院关于加快推进政务服务标准化规范化便利化的指导意见(国发〔2022〕5号)【摘】"


def lacking(source: Source) -> list[Line]:
    """Each material that follows, for which matters, and its last day."""
    return [
        line(f"请于{day(t.promise_by)}前(含当日)补齐;用于:{_used_by(source, t.material)}", _name(t.material))
        for t in source.draft.moment.tolerances
        if t.state != "cured"
    ]


def if_late(source: Source) -> list[Line]:
    """What follows where it does not come (到期不补不发证)."""
    return [
        line("可以到受理窗口或者在网上补交,凭办件编号办理。", "补交方式"),
        line("不影响其他材料的审查,但不发证、不发放。", "补齐之前"),
        line("到期未补齐的,由受理窗口催告;仍不补齐的,终止办理缺少该材料的事项,可以重新申请。", "逾期后果"),
    ]


def tolerance_law(source: Source) -> list[Line]:
    """On what the tolerance rests."""
    return [line(TOLERANCE_LAW, "依据")]


def supplied(source: Source) -> list[Line]:
    """What came, by which day it was to come; and what still lacks."""
    came = [t for t in source.draft.moment.tolerances if t.state == "cured"]
    return [
        *(
            line(f"已收到(应于{day(t.promise_by)}前补齐);用于:{_used_by(source, t.material)}", _name(t.material))
            for t in came
        ),
        *lacking(source),
    ]


def promiser(source: Source) -> list[Line]:
    """Who commits: the applicant."""
    return [line(str(source.opened.parties["applicant"]["name"]), "承诺人", NAME)]


def told(source: Source) -> list[Line]:
    """The words as they were told: what is to be proved, what is committed to, and what follows if it was false."""
    text, made = _text(source), source.draft.moment.commitment
    if text is None or made is None:
        return []
    return [
        line(_name(made.material), "证明事项"),
        line(text.content, "告知和承诺内容"),
        line(text.consequences, "不实承诺的后果"),
        line(f"{text.title}({text.version}版)", "告知文本"),
    ]


def signed(source: Source) -> list[Line]:
    """When it was told and signed and how, of the signer's own choice; when it is checked and by whom."""
    made, text = source.draft.moment.commitment, _text(source)
    if made is None:
        return []
    by = "办理机关" if text is not None and text.verified_by == "deciding" else "受理机关"
    return [
        line(moment(made.informed_at), "告知时间"),
        line(f"{moment(made.signed_at)},{words.signed(made.method)}", "签署时间和方式"),
        line("申请人知悉全部内容,自主选择以承诺代替提交证明;不选择承诺的,可以按原方式提交。", "自愿选择"),
        line(f"由{by}最迟于{day(made.verify_due)}(含当日)起核查", "核查时间"),
    ]


def commitment_law(source: Source) -> list[Line]:
    """On what the commitment rests."""
    text = _text(source)
    return [line(text.cite(), "依据")] if text is not None else []


def _text(source: Source) -> CommitmentText | None:
    made = source.draft.moment.commitment
    return commitments().told(made.material, made.version) if made is not None else None


def _name(material: str) -> str:
    return NAMES.get(material, material)


def _used_by(source: Source, material: str) -> str:
    return "、".join(dict.fromkeys(_matters(source, material)))


def _matters(source: Source, material: str) -> Iterator[str]:
    for item in source.items:
        matter = source.world.catalog.matters.get(item.matter)
        if matter is not None and any(need.type == material for need in matter.materials):
            yield source.name(item.matter)
