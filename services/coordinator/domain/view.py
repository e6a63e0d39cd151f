"""The public state of a case and of each item; a reader replaces what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from services.coordinator.domain.state import Case, CaseItem, Found
from services.coordinator.domain.status import Standing, application_status, case_outcome
from shared.catalog.protocol import CaseView, Doubt, ItemView, WaitingOn
from shared.outcomes import FactStatus, ItemStatus, WaitKind

DECIDED = frozenset({ItemStatus.APPROVED, ItemStatus.DENIED, ItemStatus.NOT_APPLICABLE})
"""How an item ends by a decision, which can be held back and undone."""

Visible = Mapping[str, Any]
"""The fields of one `ItemView`, compared to tell whether an item moved."""


def standing(item: CaseItem) -> Standing:
    """What of an item decides the application's status; what no paper has told is nothing the applicant can act on."""
    told = item.found is None and item.told is not None and item.told.kind is WaitKind.APPLICANT
    for_applicant = bool(item.findings) or told or item.held is not None
    return Standing(item.status, for_applicant, item.accepted_at is not None)


def visible(case: Case, item: CaseItem) -> dict[str, Any]:
    """All that is public of one item."""
    return {
        "item_id": item.id,
        "matter": item.matter,
        "service": item.service,
        "nature": item.nature,
        "unit": item.unit,
        "status": item.status,
        "stage": item.stage,
        "stage_name": item.stage_name,
        "round": item.round,
        "due": item.due,
        "waiting_on": waiting_on(case, item),
        "accepted_at": item.accepted_at,
        "findings": item.findings,
        "frozen": doubt_of(case, item),
        "pause": item.pause,
        "extension": item.extension,
        "result": item.result,
        "transfer": item.transfer,
        "supervision": item.supervision,
    }


def case_view(case: Case, items: Mapping[UUID, Visible] | None = None) -> CaseView:
    """The whole public state of a case; `items` are its visible items where the caller has them already."""
    seen = items or {i: visible(case, item) for i, item in case.items.items()}
    standings = [standing(item) for item in case.items.values()]
    accepted = [item.accepted_at for item in case.items.values() if item.accepted_at is not None]
    return CaseView(
        case_id=case.id,
        application_no=case.application_no,
        bundle=case.bundle,
        accept_region=case.accept_region,
        status=application_status(standings),
        outcome=case_outcome(standings),
        received_at=case.received_at,
        accepted_at=min(accepted, default=None),
        closed_at=case.closed_at,
        items=tuple(ItemView(**fields, handled=case.items[i].handled) for i, fields in seen.items()),
    )


def waiting_on(case: Case, item: CaseItem) -> WaitingOn | None:
    """Whom or what an open item waits for: first the applicant, who can act; then what comes before; then what its
    handler says."""
    if item.outcome is not None:
        return _undoing(case, item)
    if item.returned:
        return WaitingOn(kind=WaitKind.TASK, name=item.unit, since=item.requested_at)
    if item.findings:
        since = item.findings_at or item.requested_at
        return WaitingOn(kind=WaitKind.APPLICANT, name="applicant", since=since, until=item.answer_by)
    if (doubt := doubt_of(case, item)) is not None:
        return WaitingOn(kind=WaitKind.TASK, name=doubt.ground, since=doubt.since)
    if item.held is not None:
        return waits_for_material(item)
    if item.blocked:
        return _before(case, item)
    if item.found is not None:
        return _untold(item.found)
    if item.pause is not None:
        return WaitingOn(kind=WaitKind.TIME, name=item.pause.ground, since=item.pause.since, until=item.pause.until)
    return item.told


def waits_for_material(item: CaseItem) -> WaitingOn:
    """A grant is held until the applicant brings what was to follow, by the earliest day promised."""
    since = item.held.decided_at if item.held is not None and item.held.decided_at is not None else item.requested_at
    until = min((m.promise_by for m in item.lacking if m.promise_by is not None), default=None)
    return WaitingOn(kind=WaitKind.APPLICANT, name="deferred_material", since=since, until=until)


def doubt_of(case: Case, item: CaseItem) -> Doubt | None:
    """The doubt that holds an item back: of a fact it rests on; what ended without a decision nothing holds."""
    if not any(fact.doubts for fact in case.facts.values()) or not may_be_held(item):
        return None
    return next((doubt for doubt in _doubts(case, item)), None)


def grounds_of(case: Case, item: CaseItem) -> list[str]:
    """The names of all doubts of what an item rests on, one a fact and doubt."""
    return [doubt.ground for doubt in _doubts(case, item)]


def may_be_held(item: CaseItem) -> bool:
    """Whether the item has, or may get, a decision that nobody was asked to undo."""
    return (item.outcome is None or item.outcome in DECIDED) and item.reversing is None


def _doubts(case: Case, item: CaseItem) -> Iterator[Doubt]:
    return (doubt for fact in case.facts.values() if rests_on(case, item, fact.name) for doubt in fact.doubts)


def rests_on(case: Case, item: CaseItem, fact: str) -> bool:
    """Whether an item falls with a fact: it says so, or what it cannot do without does."""
    if fact in item.facts or fact in item.rests_on:
        return True
    return any(p.hard and rests_on(case, case.items[p.item_id], fact) for p in item.prerequisites)


def _undoing(case: Case, item: CaseItem) -> WaitingOn | None:
    """What a decided item waits for while its ground is in doubt, or it is being undone."""
    if (doubt := doubt_of(case, item)) is not None:
        return WaitingOn(kind=WaitKind.TASK, name=doubt.ground, since=doubt.since)
    if item.reversing is not None:
        return item.told or WaitingOn(kind=WaitKind.TASK, name="reversal", since=item.reversing.since)
    return None


def _untold(found: Found) -> WaitingOn:
    """What was found waits for the other checks, so that all is told at once, or for a supervisor."""
    if found.held:
        return WaitingOn(kind=WaitKind.TASK, name="new_finding", since=found.since)
    return WaitingOn(kind=WaitKind.TIME, name="correction_paper", since=found.since, until=found.by)


def _before(case: Case, item: CaseItem) -> WaitingOn | None:
    for p in item.prerequisites:
        if case.items[p.item_id].outcome is None:
            return WaitingOn(kind=WaitKind.PREREQUISITE, name=p.matter, since=item.requested_at)
    for fact in (case.facts[name] for name in item.facts):
        if fact.status is FactStatus.CONTRADICTED:
            return WaitingOn(kind=WaitKind.TASK, name=fact.name, since=fact.since)
        if not fact.confirmed:
            return WaitingOn(kind=WaitKind.SOURCE, name=fact.source or fact.name, since=fact.since)
    if item.withdrawal is not None:
        return WaitingOn(kind=WaitKind.TASK, name="withdrawal", since=item.withdrawal.asked_at)
    return None
