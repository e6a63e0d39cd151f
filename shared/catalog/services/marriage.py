"""Marriage registration (婚姻登记): the annotation of a record when a spouse dies."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared.catalog.examples import PERSON as EXAMPLE_REF
from shared.catalog.materials import fetched
from shared.catalog.model import Joins, LawRef, Matter, ServiceEntry
from shared.catalog.protocol import DOWN, UP, LifeEventReported, Limit
from shared.messages import Message
from shared.outcomes import Nature


class RecordAnnotated(Message):
    """The living spouse's record was annotated: marital status and since when; the spouse stands as `person_ref`."""

    person_ref: str
    status: Literal["widowed"]
    effective_on: date


class AnnotationRemoved(Message):
    """An annotation proved wrong and was taken from the record, which stands as it did before."""

    person_ref: str
    status: Literal["married"]
    removed_on: date


_RECORD_ANNOTATION = Matter(
    code="marriage.record_annotation",
    name="婚姻信息标注(丧偶等)",
    official_name="婚姻登记档案信息标注",
    nature=Nature.EX_OFFICIO,
    task_type="confirmation",
    law=(
        LawRef("婚姻登记条例", "第四条", date(2025, 5, 10), "核"),
        LawRef("婚姻登记档案管理办法(民政部、国家档案局令第32号)", "", date(2006, 1, 23), "核"),
    ),
    labels=("免提交", "免申办"),
    conditions="死亡经权威来源核实后,在生存配偶的婚姻信息上标注丧偶;没有在册婚姻登记的,以“不涉及”办结。",
    required_fields=("death",),
    optional_fields=("electronic_delivery",),
    subject="required",
    materials=(fetched("death_certificate"), fetched("marriage_certificate", required=False)),
    facts=("death_confirmed",),
    joins=(Joins("bereavement"),),
    check="none",
    promised=Limit(n=5, unit="working"),
    once="granted",
    papers=("婚姻信息标注告知单",),
)

SERVICE_ENTRY = ServiceEntry(
    name="marriage",
    title="婚姻登记",
    matters=(_RECORD_ANNOTATION,),
    requests=DOWN,
    answers=UP,
    events=(RecordAnnotated, AnnotationRemoved, LifeEventReported),
    examples={
        "RecordAnnotated": RecordAnnotated(person_ref=EXAMPLE_REF, status="widowed", effective_on=date(2026, 11, 10)),
        "AnnotationRemoved": AnnotationRemoved(person_ref=EXAMPLE_REF, status="married", removed_on=date(2026, 11, 25)),
    },
)
