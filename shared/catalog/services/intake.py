"""The one window: the bundles it offers, the form fields that several services read, what it publishes."""

from __future__ import annotations

from pydantic import TypeAdapter

from shared.catalog import forms
from shared.catalog.model import Bundle, FormField, LawRef, ServiceEntry
from shared.catalog.protocol import ApplicationReceived, LifeEventReported

_BEREAVEMENT = Bundle(
    code="bereavement",
    name="公民身后一件事",
    local_name="公民身后一件事",
    order=(
        "funeral.cremation",
        "funeral.fee_waiver",
        "elderly.benefit_stop",
        "assistance.benefit_stop",
        "marriage.record_annotation",
    ),
    intro="亲人去世后的火化证明、殡葬费减免、逝者待遇停发与应发未领、婚姻信息标注,一次申请、一张表、联合办理。",
    law=(
        LawRef(
            "国务院办公厅关于加快推进“一件事一次办”打造政务服务升级版的指导意见(国办发〔2022〕32号)", confidence="摘"
        ),
        LawRef("国务院办公厅关于健全“高效办成一件事”重点事项常态化推进机制的意见(国办发〔2025〕24号)", confidence="摘"),
    ),
    fact_sources={"death_confirmed": "death"},
)

_FIELDS = (
    FormField("death", "死亡信息", TypeAdapter(forms.Death), personal=True),
    FormField("kinship_commitment", "亲属关系承诺", TypeAdapter(forms.Promised)),
    FormField("electronic_delivery", "同意电子送达", TypeAdapter(forms.YesNo)),
    FormField("payee", "收款人", TypeAdapter(forms.Payee), personal=True),
    FormField("bank_account", "银行账户", TypeAdapter(forms.Account), personal=True),
)

SERVICE_ENTRY = ServiceEntry(
    name="intake",
    title="一窗受理",
    handles=False,
    fields=_FIELDS,
    bundles=(_BEREAVEMENT,),
    events=(ApplicationReceived, LifeEventReported),
)
