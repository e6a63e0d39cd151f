"""The words of the demonstration's screen: Chinese first, English beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Words = tuple[str, str]

ITEM: Mapping[str, Words] = {
    "waiting": ("等待", "waiting"),
    "requested": ("已送办理部门", "sent out"),
    "correcting": ("待补正", "to be corrected"),
    "accepted": ("已受理", "accepted"),
    "reviewing": ("正在审核", "under review"),
    "paused": ("时限暂停", "paused"),
    "returned": ("正在转送", "being sent on"),
    "approved": ("✓ 已办结", "done"),
    "denied": ("✗ 未予批准", "denied"),
    "not_applicable": ("✓ 不涉及", "does not apply"),
    "not_accepted": ("✗ 不予受理", "not accepted"),
    "withdrawn": ("已撤回", "withdrawn"),
    "terminated": ("✗ 已终止", "ended"),
    "revoked": ("✗ 已撤销", "revoked"),
}
CASE: Mapping[str, Words] = {
    "submitted": ("已收件", "received"),
    "correcting": ("待补正", "to be corrected"),
    "in_progress": ("办理中", "in progress"),
    "partial": ("部分办结", "partly done"),
    "closed": ("已办结", "closed"),
    "not_accepted": ("不予受理", "not accepted"),
    "withdrawn": ("已撤回", "withdrawn"),
    "terminated": ("已终止", "ended"),
}
OUTCOME: Mapping[str | None, Words] = {
    "approved": ("全部办成", "all approved"),
    "partly_approved": ("部分办成", "partly approved"),
    "denied": ("未予批准", "not approved"),
    None: ("无须办理", "nothing to decide"),
}
WAITS: Mapping[str, Words] = {
    "prerequisite": ("前一事项", "the matter before"),
    "applicant": ("申请人", "the applicant"),
    "task": ("工作人员", "a person's task"),
    "source": ("数据来源", "a source"),
    "department": ("有关单位", "another body"),
    "time": ("期限届满", "a date"),
    "operator": ("运维人员", "an operator"),
}
NAMES: Mapping[str, Words] = {
    "death_confirmed": ("死亡事实核实", "the death to be confirmed"),
    "death": ("死亡登记信息", "the register of deaths"),
    "age_allowance": ("高龄津贴", "age allowance"),
    "hardship_allowance": ("经济困难老年人补贴", "hardship allowance"),
    "minimum_living": ("最低生活保障", "minimum living allowance"),
    "disability_living": ("困难残疾人生活补贴", "disability living allowance"),
    "disability_nursing": ("重度残疾人护理补贴", "disability nursing allowance"),
}
"""Names of facts, sources and benefits; what is not here stands by its code."""


TASKS: Mapping[str, Words] = {
    "household_review": ("低保减员重核,先听取家属意见", "review of the household, after hearing the family"),
    "heir_payee": ("核对收款人", "the payee to be checked"),
    "roll_check": ("核对名册", "the roll to be checked"),
    "overpayment": ("多发款项处理", "what to do about the overpayment"),
}


def both(words: Words) -> str:
    """The two languages in one line."""
    return f"{words[0]} {words[1]}"


def named(code: str) -> Words:
    """A benefit's or fact's name, or its code."""
    return NAMES.get(code, (code, code))


def waiting(item: Mapping[str, Any], matters: Mapping[str, str]) -> str:
    """Whom an item waits for, empty when for nobody."""
    waits = item.get("waiting_on")
    if not waits:
        return ""
    name = str(waits.get("name") or "")
    said = matters.get(name) or named(name)[0]
    zh, en = WAITS.get(waits["kind"], (waits["kind"], waits["kind"]))
    return f"{zh}「{said}」{en}" if said else f"{zh} {en}"
