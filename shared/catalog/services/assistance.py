"""Social assistance (社会救助): temporary relief, and the end of a dead person's own benefits."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.catalog import forms
from shared.catalog.examples import PERSON as EXAMPLE_REF
from shared.catalog.materials import brought, fetched
from shared.catalog.model import FormField, Joins, LawRef, Matter, PauseGround, ServiceEntry
from shared.catalog.protocol import DOWN, UP, Limit
from shared.messages import Message
from shared.money import Yuan, yuan
from shared.outcomes import Nature


class BenefitsStopped(Message):
    """A dead person's own benefits ended; `from_month` (`YYYY-MM`) is the first month not paid."""

    person_ref: str
    schemes: tuple[str, ...]
    from_month: str


class BenefitsRestored(Message):
    """The stop of a person's own benefits was undone, the death was not so: they run again from this month, `arrears` yuan
    of before are to be paid."""

    person_ref: str
    schemes: tuple[str, ...]
    from_month: str
    arrears: Yuan


class HouseholdReviewOpened(Message):
    """A member's death opened a review of the household's allowance, due by `due`; nothing is reduced by it."""

    person_ref: str
    case_id: UUID
    region: str
    due: date


class HouseholdReassessed(Message):
    """A person reassessed a household after hearing the family: yuan a month before and after, from a month on."""

    person_ref: str
    case_id: UUID
    members_before: int
    members_after: int
    before: Yuan
    after: Yuan
    from_month: str


class TemporaryAssistanceGranted(Message):
    """Temporary relief of `amount` yuan was granted."""

    person_ref: str
    region: str
    hardship_type: str
    amount: Yuan


_BENEFIT_STOP = Matter(
    code="assistance.benefit_stop",
    name="逝者本人救助待遇停发",
    official_name="社会救助待遇停发(逝者本人)",
    nature=Nature.EX_OFFICIO,
    task_type="benefit",
    takes="stop",
    law=(
        LawRef("社会救助法", "第四十六条至第四十八条", date(2026, 7, 1), "核"),
        LawRef("最低生活保障审核确认办法(民发〔2021〕57号)", "", date(2021, 7, 1), "核"),
    ),
    labels=("免提交", "免申办"),
    conditions="死亡经权威来源核实后,停发逝者本人的待遇。低保按户:成员死亡是减员重核,不是整户停发;调减、终止前听取意见。",
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

_TEMPORARY = Matter(
    code="assistance.temporary",
    name="临时救助",
    official_name="临时救助给付",
    nature=Nature.ON_APPLICATION,
    task_type="benefit",
    law=(
        LawRef("社会救助法", "第二十九条、第三十七条、第五十条", date(2026, 7, 1), "核"),
        LawRef("关于进一步加强和改进临时救助工作的意见(民发〔2018〕23号)", "", date(2018, 1, 23), "核"),
        LawRef("国务院关于全面建立临时救助制度的通知(国发〔2014〕47号)", "", date(2014, 10, 3), "摘"),
    ),
    aliases=("AST-TEMP", "TEMP"),
    labels=("就近办",),
    conditions="向急难发生地提出。急难、小额、需立即救助的先行救助,后补手续;能核对到的不再要材料。",
    required_fields=(
        "hardship_type",
        "occurred_at",
        "occurred_region",
        "description",
        "requested_amount",
        "bank_account",
    ),
    optional_fields=("area_class", "expenses", "electronic_delivery"),
    subject="none",
    household=True,
    materials=(
        fetched("id_card"),
        fetched("relief_certificate", required=False),
        brought("hardship_evidence", required=False),
        brought("authorization", required=False),
        brought("commitment", required=False),
    ),
    promised=Limit(n=10, unit="working"),
    whose="household",
    once="live",
    handled_where="occurred_region",  # 社会救助法第三十七条: 向急难发生地提出
    papers=("临时救助决定书",),
    pauses=(
        PauseGround(
            "CASE_CONFERENCE",
            "重大个案会商(一事一议)",
            LawRef("关于进一步加强和改进临时救助工作的意见(民发〔2018〕23号)", "", date(2018, 1, 23), "未核实"),
            Limit(n=10, unit="working"),
        ),
    ),
)

_CASE = UUID("00000000-0000-7000-8000-000000000001")

SERVICE_ENTRY = ServiceEntry(
    name="assistance",
    title="社会救助",
    matters=(_BENEFIT_STOP, _TEMPORARY),
    fields=(
        FormField("hardship_type", "救助类型", TypeAdapter(Literal["quick", "urgent", "expenditure", "transitional"])),
        FormField("occurred_at", "急难发生日", TypeAdapter(forms.PastDate)),
        FormField("occurred_region", "急难发生地", TypeAdapter(forms.Region)),
        FormField("description", "困难情况", TypeAdapter(forms.Text), personal=True),
        FormField("requested_amount", "申请金额", TypeAdapter(forms.PositiveYuan)),
        FormField("area_class", "城乡类别", TypeAdapter(Literal["urban", "rural"])),
        FormField(
            "expenses",
            "必要支出",
            TypeAdapter(Annotated[list[forms.Expense], Field(min_length=1, max_length=100)]),
            personal=True,
        ),
    ),
    requests=DOWN,
    answers=UP,
    events=(BenefitsStopped, BenefitsRestored, HouseholdReviewOpened, HouseholdReassessed, TemporaryAssistanceGranted),
    examples={
        "BenefitsStopped": BenefitsStopped(
            person_ref=EXAMPLE_REF, schemes=("disability_living",), from_month="2026-12"
        ),
        "BenefitsRestored": BenefitsRestored(
            person_ref=EXAMPLE_REF, schemes=("disability_living",), from_month="2027-01", arrears=yuan("110.00")
        ),
        "HouseholdReviewOpened": HouseholdReviewOpened(
            person_ref=EXAMPLE_REF, case_id=_CASE, region="420112", due=date(2027, 2, 10)
        ),
        "HouseholdReassessed": HouseholdReassessed(
            person_ref=EXAMPLE_REF,
            case_id=_CASE,
            members_before=3,
            members_after=2,
            before=yuan("990.00"),
            after=yuan("760.00"),
            from_month="2027-01",
        ),
        "TemporaryAssistanceGranted": TemporaryAssistanceGranted(
            person_ref=EXAMPLE_REF, region="420112", hardship_type="quick", amount=yuan("830.00")
        ),
    },
)
