"""The words for statuses and outcomes that the timeline and the progress page use, Chinese and English."""

from __future__ import annotations

from shared.outcomes import ApplicationStatus, CaseOutcome, ItemStatus, WaitKind

Words = tuple[str, str]

ITEM: dict[ItemStatus, Words] = {
    ItemStatus.WAITING: ("等待办理条件", "waits for what comes before it"),
    ItemStatus.REQUESTED: ("已送办理部门", "sent to the department"),
    ItemStatus.CORRECTING: ("请补正材料", "something must be corrected"),
    ItemStatus.ACCEPTED: ("已受理", "accepted"),
    ItemStatus.REVIEWING: ("正在审核", "under review"),
    ItemStatus.PAUSED: ("办理时限暂停", "the clock is paused"),
    ItemStatus.RETURNED: ("正在转送有权办理的部门", "being sent on to the right department"),
    ItemStatus.APPROVED: ("已办结", "done"),
    ItemStatus.DENIED: ("未予批准", "not approved"),
    ItemStatus.NOT_APPLICABLE: ("不涉及", "does not apply"),
    ItemStatus.NOT_ACCEPTED: ("不予受理", "not accepted"),
    ItemStatus.WITHDRAWN: ("已撤回", "withdrawn"),
    ItemStatus.TERMINATED: ("已终止", "ended without a decision"),
    ItemStatus.REVOKED: ("已撤销", "revoked"),
}

WAITING: dict[WaitKind, Words] = {
    WaitKind.PREREQUISITE: ("等待前一事项", "waits for another matter"),
    WaitKind.SOURCE: ("等待事实核实", "waits for a fact to be confirmed"),
}
"""What an item that was not yet sent out waits for, told more closely where it is known."""

CASE: dict[ApplicationStatus, Words] = {
    ApplicationStatus.DRAFT: ("草稿", "a draft"),
    ApplicationStatus.SUBMITTED: ("已收件", "received"),
    ApplicationStatus.CORRECTING: ("待补正", "waiting for corrections"),
    ApplicationStatus.IN_PROGRESS: ("办理中", "in progress"),
    ApplicationStatus.PARTIAL: ("部分办结", "partly done"),
    ApplicationStatus.CLOSED: ("已办结", "closed"),
    ApplicationStatus.NOT_ACCEPTED: ("不予受理", "not accepted"),
    ApplicationStatus.WITHDRAWN: ("已撤回", "withdrawn"),
    ApplicationStatus.TERMINATED: ("已终止", "ended"),
}

OUTCOME: dict[CaseOutcome, Words] = {
    CaseOutcome.APPROVED: ("全部办成", "all approved"),
    CaseOutcome.PARTLY_APPROVED: ("部分办成", "partly approved"),
    CaseOutcome.DENIED: ("未予批准", "not approved"),
}
