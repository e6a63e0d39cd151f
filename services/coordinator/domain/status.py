"""What an application's status and outcome follow from: its items, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from shared.outcomes import FINAL_ITEM, ApplicationStatus, CaseOutcome, ItemStatus

_ALIKE = {
    ItemStatus.WITHDRAWN: ApplicationStatus.WITHDRAWN,
    ItemStatus.NOT_ACCEPTED: ApplicationStatus.NOT_ACCEPTED,
    ItemStatus.TERMINATED: ApplicationStatus.TERMINATED,
}
_NOT_COUNTED = frozenset({ItemStatus.NOT_APPLICABLE, ItemStatus.WITHDRAWN})


class Standing(NamedTuple):
    """What of an item decides the application's status."""

    status: ItemStatus
    for_applicant: bool = False
    accepted: bool = False


def application_status(items: Collection[Standing]) -> ApplicationStatus:
    """The application's status, derived.

    No open item: `closed`, or the one word that all items share (withdrawn, not accepted, terminated); else
    `correcting` while one waits for the applicant, else `partial` once one is final, else `in_progress` once one is
    accepted, else `submitted`.
    """
    final = [i for i in items if i.status in FINAL_ITEM]
    if len(final) == len(items):
        words = {i.status for i in items}
        return _ALIKE.get(words.pop(), ApplicationStatus.CLOSED) if len(words) == 1 else ApplicationStatus.CLOSED
    if any(i.for_applicant and i.status not in FINAL_ITEM for i in items):
        return ApplicationStatus.CORRECTING
    if final:
        return ApplicationStatus.PARTIAL
    return ApplicationStatus.IN_PROGRESS if any(i.accepted for i in items) else ApplicationStatus.SUBMITTED


def case_outcome(items: Collection[Standing]) -> CaseOutcome | None:
    """What a closed case came to: of the items neither not applicable nor withdrawn, all, some or none approved.

    None while the case is open, when none is left to count, and when the status word says it all (terminated …).
    """
    if application_status(items) is not ApplicationStatus.CLOSED:
        return None
    counted = [i.status is ItemStatus.APPROVED for i in items if i.status not in _NOT_COUNTED]
    if not counted:
        return None
    if all(counted):
        return CaseOutcome.APPROVED
    return CaseOutcome.PARTLY_APPROVED if any(counted) else CaseOutcome.DENIED
