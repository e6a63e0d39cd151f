"""Opening a case: the plan that intake made is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.coordinator.domain.clocks import redate
from services.coordinator.domain.join import advance
from services.coordinator.domain.state import Case, CaseItem, Fact
from services.coordinator.domain.turn import Turn
from services.coordinator.domain.watch import arm
from shared.catalog.halls import counts_from
from shared.catalog.protocol import ApplicationSubmitted, CaseOpened, ItemRequested, PlannedItem
from shared.changes import Changes, Ctx
from shared.clock import beijing_date
from shared.errors import Poison

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar


def open_case(message: ApplicationSubmitted, ctx: Ctx, calendar: WorkingCalendar | None = None) -> Changes[Case]:
    """Sends every item out for its formal check at once; those that wait for nothing may be decided too.

    Raises `Poison` for a plan without items, or with a prerequisite that is not in it.
    """
    case = _case(message, ctx)
    _check(case)
    turn = Turn(case, ctx, calendar)
    _date(turn, message.channel)
    for item in case.items.values():
        request(turn, item)
    advance(turn)
    arm(turn)
    return turn.changes(opened=CaseOpened)


def request(turn: Turn, item: CaseItem, reason_code: str | None = None) -> None:
    """Sends an item out in its present round; `ready` only if it never waits for anything, nor must go to a person."""
    item.requested_at = turn.now
    free = not item.prerequisites and not item.facts and not item.to_person
    if free:
        item.ready_round = item.round
        item.released_at = turn.case.received_at
        redate(turn, item)
    turn.send(item, _requested(turn.case, item, ready=free, reason_code=reason_code))


def _date(turn: Turn, channel: str) -> None:
    """From which day the clocks count, and by which calendar."""
    case, calendar = turn.case, turn.calendar
    day = counts_from(case.received_at, channel, case.accept_region, calendar)
    case.counts_from = None if day == beijing_date(case.received_at) else day
    case.calendar = calendar.version
    turn.dates_moved = True


def _requested(case: Case, item: CaseItem, *, ready: bool, reason_code: str | None) -> ItemRequested:
    return ItemRequested(
        item_id=item.id,
        case_id=case.id,
        application_no=case.application_no,
        matter=item.matter,
        definition=case.definition,
        nature=item.nature,
        round=item.round,
        ready=ready,
        unit=item.unit,
        accept_region=case.accept_region,
        received_at=case.received_at,
        received_on=case.counts_from,
        check="none" if item.check == "none" else "formal",
        acted=(*case.acted, *item.acted),
        materials=item.materials,
        sealed=item.sealed,
        sealed_round=item.sealed_round,
        person_ref=item.person_ref,
        reason_code=reason_code,
    )


def _case(message: ApplicationSubmitted, ctx: Ctx) -> Case:
    facts = dict.fromkeys((*message.facts, *(name for item in message.items for name in item.facts)))
    return Case(
        id=message.case_id,
        application_no=message.application_no,
        bundle=message.bundle,
        definition=message.definition,
        accept_region=message.accept_region,
        channel=message.channel,
        received_at=message.received_at,
        opened_at=ctx.now,
        items={planned.item_id: _item(planned, ctx) for planned in message.items},
        facts={name: Fact(name=name, since=ctx.now) for name in facts},
        acted=list(message.acted),
    )


def _item(planned: PlannedItem, ctx: Ctx) -> CaseItem:
    return CaseItem(
        id=planned.item_id,
        matter=planned.matter,
        service=planned.service,
        nature=planned.nature,
        unit=planned.unit,
        prerequisites=planned.prerequisites,
        facts=planned.facts,
        rests_on=planned.rests_on,
        check=planned.check,
        examination=planned.examination,
        lapses=planned.lapses,
        grounds=planned.pauses,
        promised=planned.promised,
        legal=planned.legal,
        materials=planned.materials,
        sealed=planned.sealed,
        person_ref=planned.person_ref,
        requested_at=ctx.now,
    )


def _check(case: Case) -> None:
    missing = [p.matter for item in case.items.values() for p in item.prerequisites if p.item_id not in case.items]
    if missing or not case.items:
        named = ", ".join(missing) or "-"
        raise Poison(f"办件计划不完整,缺少前置子件:{named}", f"the plan lacks items that come first: {named}")
