"""Care for the old (养老服务): allowances by age, and their end with a death."""

from __future__ import annotations

from datetime import date

from pydantic import TypeAdapter

from shared.catalog import forms
from shared.catalog.examples import PERSON as EXAMPLE_REF
from shared.catalog.materials import brought, fetched
from shared.catalog.model import FormField, Joins, LawRef, Matter, ServiceEntry
from shared.catalog.protocol import DOWN, UP, Limit
from shared.messages import Message
from shared.money import Yuan, yuan
from shared.outcomes import Nature


class AllowanceGranted(Message):
    """An allowance runs from this month (`YYYY-MM`) at `monthly` yuan."""

    person_ref: str
    scheme: str
    region: str
    monthly: Yuan
    from_month: str


class AllowanceStopped(Message):
    """An allowance ended: `from_month` is the first month not paid, `owed` yuan are still to be paid to the heir."""

    person_ref: str
    scheme: str
    region: str
    from_month: str
    owed: Yuan


class AllowanceRestored(Message):
    """A stop was undone, the death was not so: it runs again from this month, `arrears` yuan of before are to be paid."""

    person_ref: str
    scheme: str
    region: str
    from_month: str
    arrears: Yuan


_BENEFIT_STOP = Matter(
    code="elderly.benefit_stop",
    name="逝者养老待遇停发",
    official_name="老年人福利补贴停发",
    nature=Nature.EX_OFFICIO,
    task_type="benefit",
    takes="stop",
    law=(
        LawRef("武汉市高龄津贴发放管理办法", "死亡次月停发", None, "摘"),
        LawRef("民法典", "第一千一百二十二条", date(2021, 1, 1), "未核实"),
    ),
    labels=("免提交", "免申办"),
    conditions="死亡经权威来源核实后,自死亡次月起停发;死亡当月及以前应发未发的,付给具结的继承人,不付入逝者账户。"
    "名册上没有在发待遇的,以“不涉及”办结。",
    required_fields=("death",),
    optional_fields=("payee", "kinship_commitment", "electronic_delivery"),
    subject="required",
    materials=(fetched("death_certificate"), brought("kinship_proof", required=False, commits=True)),
    facts=("death_confirmed",),
    joins=(Joins("bereavement"),),
    check="none",
    promised=Limit(n=5, unit="working"),
    once="granted",
    papers=("停发告知书",),
)

_AGE_ALLOWANCE = Matter(
    code="elderly.age_allowance",
    name="高龄津贴",
    official_name="老年人福利补贴(高龄津贴)",
    nature=Nature.ON_APPLICATION,
    task_type="benefit",
    law=(
        LawRef("老年人权益保障法", "第三十三条", date(2018, 12, 29), "未核实"),
        LawRef("武汉市高龄津贴发放管理办法", "", None, "摘"),
    ),
    aliases=("ELD-AGE",),
    labels=("免提交", "网上办", "就近办"),
    conditions="本地户籍、年满80周岁(满80前两个月可登记)。按年龄档按月计、按季发。",
    required_fields=("hukou_region", "bank_account"),
    optional_fields=("live_region", "start_month", "electronic_delivery"),
    subject="optional",
    materials=(
        fetched("id_card"),
        fetched("household_register"),
        fetched("life_check"),
        brought("bank_account", required=False, follows=Limit(n=10, unit="working")),
        brought("proxy", required=False),
    ),
    promised=Limit(n=5, unit="working"),
    once="granted",
    handled_where="hukou_region",
    papers=("高龄津贴审批表",),
)

SERVICE_ENTRY = ServiceEntry(
    name="elderly",
    title="养老服务",
    matters=(_BENEFIT_STOP, _AGE_ALLOWANCE),
    fields=(
        FormField("hukou_region", "户籍所在地", TypeAdapter(forms.Region), personal=True),
        FormField("live_region", "现居住地", TypeAdapter(forms.Region), personal=True),
        FormField("start_month", "起领月份", TypeAdapter(forms.Month)),
    ),
    requests=DOWN,
    answers=UP,
    events=(AllowanceGranted, AllowanceStopped, AllowanceRestored),
    examples={
        "AllowanceGranted": AllowanceGranted(
            person_ref=EXAMPLE_REF,
            scheme="age_allowance",
            region="420112",
            monthly=yuan("100.00"),
            from_month="2026-12",
        ),
        "AllowanceStopped": AllowanceStopped(
            person_ref=EXAMPLE_REF,
            scheme="age_allowance",
            region="420112",
            from_month="2026-12",
            owed=yuan("200.00"),
        ),
        "AllowanceRestored": AllowanceRestored(
            person_ref=EXAMPLE_REF,
            scheme="age_allowance",
            region="420112",
            from_month="2027-01",
            arrears=yuan("300.00"),
        ),
    },
)
