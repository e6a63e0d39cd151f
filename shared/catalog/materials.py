"""Material types (材料类型): one code and one name each, the same in every matter."""

from __future__ import annotations

from shared.catalog.model import MaterialNeed
from shared.catalog.protocol import Limit

NAMES = {
    "id_card": "居民身份证",
    "household_register": "户口簿",
    "residence_permit": "居住证",
    "relief_certificate": "低保、特困等救助证明",
    "disability_card": "残疾人证",
    "ability_assessment": "老年人能力评估报告",
    "life_check": "生存状况比对",
    "death_certificate": "居民死亡医学证明(推断)书",
    "cremation_certificate": "火化证明",
    "kinship_proof": "亲属关系证明",
    "family_planning": "计划生育特殊家庭证明",
    "bank_account": "银行账户",
    "proxy": "授权委托书及代办人证件",
    "photo": "照片",
    "invoice": "票据",
    "marriage_certificate": "结婚证",
    "divorce_agreement": "离婚协议",
    "court_document": "法院文书",
    "authorization": "家庭经济状况核对授权书",
    "commitment": "告知承诺书",
    "hardship_evidence": "急难情形佐证",
}
"""The name of each material type."""


def fetched(kind: str, *, required: bool = True) -> MaterialNeed:
    """A material that we get ourselves (免提交); nobody need bring it."""
    return MaterialNeed(kind, NAMES[kind], required=required, fetched=True)


def brought(kind: str, *, required: bool = True, follows: Limit | None = None, commits: bool = False) -> MaterialNeed:
    """A material that the applicant hands in; a secondary one within `follows` (容缺), or by a commitment instead."""
    secondary = follows is not None
    return MaterialNeed(kind, NAMES[kind], required=required, secondary=secondary, follows=follows, commits=commits)
