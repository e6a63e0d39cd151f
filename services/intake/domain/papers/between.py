"""The parts of papers between units: what is handed over (转办单), what somebody is told to see to (督办单)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.intake.domain.papers import words
from services.intake.domain.papers.lines import Line, line
from services.intake.domain.papers.typeset import day, moment

if TYPE_CHECKING:
    from services.intake.domain.papers.content import Source


def receiving_unit(source: Source) -> list[Line]:
    """To which unit it goes: whoever handles the item."""
    return [line(source.unit(source.item.unit), "致")]


def transfer(source: Source) -> list[Line]:
    """From where to where, why, and when."""
    handed = source.item.transfer
    if handed is None:
        return []
    return [
        line(source.unit(handed.from_unit), "转出单位"),
        line(source.unit(source.item.unit), "承接单位"),
        line(words.reason(handed.reason_code), "转办理由"),
        line(moment(handed.at), "转办时间"),
        line("请按原定期限办理并答复申请人;不属于你单位办理的,请写明应由何处办理后退回,不得自行搁置。", "要求"),
    ]


def supervision(source: Source) -> list[Line]:
    """What is late and since when, who answers for it, until when, and who is told next."""
    told = source.item.supervision
    if told is None:
        return []
    return [
        line(words.supervised(told.kind), "督办事由"),
        line(f"自{day(told.since)}起", "逾期起始"),
        line(f"第{told.number}次", "督办次数"),
        line(source.unit(source.item.unit), "责任单位"),
        line(source.unit(told.unit), "督办单位"),
        line(f"请于{day(told.answer_by)}前(含当日)书面反馈原因和预计办结日期", "反馈期限"),
        line("逾期未反馈的,报上一级负责人;不因超时自动批准或者默认通过。", "逾期后果"),
    ]
