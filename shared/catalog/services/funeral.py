"""Funeral (殡葬惠民): cremation and its certificate, the waiver of basic fees."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import TypeAdapter

from shared.catalog import forms
from shared.catalog.conditions import FieldIs
from shared.catalog.examples import PERSON as EXAMPLE_REF
from shared.catalog.materials import brought, fetched
from shared.catalog.model import After, FormField, Joins, LawRef, Matter, ServiceEntry
from shared.catalog.protocol import DOWN, UP, LifeEventReported, Limit
from shared.messages import Message
from shared.money import Yuan, yuan
from shared.outcomes import Nature


class CremationReported(Message):
    """A funeral home reported a cremation; it may come before or after any application."""

    person_ref: str
    home_no: str
    died_on: date
    cremated_on: date


class FeeWaiverSettled(Message):
    """Basic fees were waived and go into the settlement with the home: `waived` and `family_pays` in yuan."""

    person_ref: str
    home_no: str
    waived: Yuan
    family_pays: Yuan


class FeeWaiverReversed(Message):
    """A waiver was undone, the death was not so: `waived` yuan leave the settlement with the home."""

    person_ref: str
    home_no: str
    waived: Yuan


_CREMATED = Joins("bereavement", FieldIs("disposition", "cremated"), "遗体火化的")

_CREMATION = Matter(
    code="funeral.cremation",
    name="火化与火化证明",
    official_name="遗体火化证明",
    nature=Nature.NOTIFICATION,
    task_type="confirmation",
    law=(
        LawRef("殡葬管理条例", "(2026年修订,条号待核)", date(2026, 3, 30), "摘"),
        LawRef("居民死亡医学证明(推断)书管理(国卫规划发〔2026〕5号)", "", date(2026, 7, 1), "摘"),
        LawRef("关于规范遗体和骨灰处置工作的通知(民政部,2024年)", "", None, "摘"),
    ),
    conditions="遗体在本地殡仪馆火化;凭死亡证明、火化确认书与承办人身份三项核验。由殡仪馆上报火化事实后办结。",
    labels=("免提交",),
    required_fields=("death", "disposition", "funeral_home"),
    optional_fields=("ashes", "electronic_delivery"),
    subject="required",
    materials=(fetched("death_certificate"), fetched("id_card")),
    rests_on=("death_confirmed",),
    joins=(_CREMATED,),
    check="none",  # nothing for the family to bring: it waits for the home's report
    promised=Limit(n=15, unit="working"),
    once="granted",
    papers=("火化证明",),
    yields=("cremation_certificate",),
)

_FEE_WAIVER = Matter(
    code="funeral.fee_waiver",
    name="基本殡葬减免",
    official_name="基本殡葬服务费用减免",
    nature=Nature.ON_APPLICATION,
    task_type="benefit",
    law=(
        LawRef("关于殡葬服务收费管理的政策(发改价格〔2026〕108号)", "", None, "摘"),
        LawRef("武汉市基本殡葬服务费减免的通知", "", date(2023, 11, 30), "摘"),
        LawRef("武汉市基本殡葬服务费减免办法(武民政〔2011〕78号)", "", None, "未核实"),
    ),
    aliases=("BZ-02", "惠民殡葬"),
    labels=("免提交", "一次办"),
    conditions="本市户籍在本市火化,或在本市死亡并火化的非户籍人员。普通车接运、3日内普通冷藏、火化、指定骨灰盒1个、"
    "1年内骨灰寄存,分项封顶;在殡仪馆当场减免,民政按馆按月结算,不向家属要发票和账户。",
    required_fields=("death", "funeral_home", "fee_items", "kinship_commitment"),
    optional_fields=("disposition", "ashes", "electronic_delivery"),
    subject="required",
    materials=(
        fetched("death_certificate"),
        fetched("cremation_certificate"),
        fetched("household_register"),
        fetched("relief_certificate", required=False),
        brought("kinship_proof", commits=True),
    ),
    after=(After("funeral.cremation", hard=True),),
    rests_on=("death_confirmed",),
    joins=(_CREMATED,),
    promised=Limit(n=5, unit="working"),
    once="granted",
    papers=("减免确认单", "结算表"),
)

SERVICE_ENTRY = ServiceEntry(
    name="funeral",
    title="殡葬惠民",
    matters=(_CREMATION, _FEE_WAIVER),
    fields=(
        FormField("disposition", "遗体处置方式", TypeAdapter(Literal["cremated", "buried"])),
        FormField("funeral_home", "殡仪馆", TypeAdapter(forms.FuneralHomeNo)),
        FormField("ashes", "骨灰去向", TypeAdapter(Literal["stored", "buried", "eco", "claimed"])),
        FormField("fee_items", "殡仪馆收费项目", TypeAdapter(forms.FeeItems)),
    ),
    requests=DOWN,
    answers=UP,
    events=(CremationReported, FeeWaiverSettled, FeeWaiverReversed, LifeEventReported),
    examples={
        "CremationReported": CremationReported(
            person_ref=EXAMPLE_REF,
            home_no="FH-420112-01",
            died_on=date(2026, 11, 10),
            cremated_on=date(2026, 11, 12),
        ),
        "FeeWaiverSettled": FeeWaiverSettled(
            person_ref=EXAMPLE_REF, home_no="FH-420112-01", waived=yuan("980.00"), family_pays=yuan("0.00")
        ),
        "FeeWaiverReversed": FeeWaiverReversed(person_ref=EXAMPLE_REF, home_no="FH-420112-01", waived=yuan("980.00")),
    },
)
