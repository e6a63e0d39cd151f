"""A public library (made up, 图书馆): cancels a dead reader's cards, as one more member of `bereavement`, and licenses
reading rooms."""

from __future__ import annotations

from shared.catalog.materials import brought
from shared.catalog.model import Joins, LawRef, Matter, PauseGround, ServiceEntry
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

_SPECIAL_TIME = LawRef("行政许可法", "第四十五条", confidence="摘")

_READING_ROOM = Matter(
    code="library.reading_room",
    name="阅览室设立许可",
    official_name="示例公共阅览室设立许可",
    nature=Nature.ON_APPLICATION,
    task_type="licence",
    law=(LawRef("示例图书馆读者办法", "第十二条"),),
    conditions="演示用的行政许可:由一名负责人审查并决定。",
    optional_fields=("electronic_delivery",),
    subject="none",
    materials=(brought("photo"),),
    promised=Limit(n=10, unit="working"),
    legal=Limit(n=20, unit="working"),
    whose="applicant",
    pauses=(PauseGround("HEARING", "听证", _SPECIAL_TIME), PauseGround("EXPERT_REVIEW", "专家评审", _SPECIAL_TIME)),
)

SERVICE_ENTRY = ServiceEntry(
    name="library",
    title="图书馆",
    module="tests.support.fifth.library.service",
    matters=(_CARD_CANCEL, _READING_ROOM),
    requests=DOWN,
    answers=UP,
)
