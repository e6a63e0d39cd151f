"""A public library (made up, 图书馆): cancels a dead reader's cards, as one more member of `bereavement`."""

from __future__ import annotations

from shared.catalog.model import Joins, LawRef, Matter, ServiceEntry
from shared.catalog.protocol import DOWN, UP, Limit
from shared.outcomes import Nature

_CARD_CANCEL = Matter(
    code="library.card_cancel",
    name="借书证注销",
    official_name="公共图书馆借书证注销",
    nature=Nature.EX_OFFICIO,
    law=(LawRef("示例图书馆读者办法", "第九条"),),
    conditions="读者死亡经核实后注销借书证;没有借书证的,以“不涉及”办结。",
    required_fields=("death",),
    subject="required",
    facts=("death_confirmed",),
    joins=(Joins("bereavement"),),
    check="none",
    promised=Limit(n=5, unit="working"),
    once="granted",
)

SERVICE_ENTRY = ServiceEntry(
    name="library",
    title="图书馆",
    module="tests.support.fifth.library.service",
    matters=(_CARD_CANCEL,),
    requests=DOWN,
    answers=UP,
)
