"""低保家庭成员死亡的减员重核: the household is heard, a person decides, the rule works out the new amount.

The review is a task that stays open while the case closes (民发〔2021〕57号: concluded within three months).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.assistance.domain.benefit_stop import Reassessment, Stop, reassess, review_due
from services.assistance.domain.rows import review_row
from services.assistance.tables import HOUSEHOLD_REVIEW, STOPPED
from shared.catalog.services.assistance import HouseholdReassessed, HouseholdReviewOpened
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.death import died_on
from shared.errors import FieldError, Invalid, Refused, RefusedError
from shared.handling.basis import law_of
from shared.handling.limits import working_days_until
from shared.handling.model import DecisionRecord, Work
from shared.handling.procedure import OpenTask, Publish, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.money import to_fen, yuan
from shared.months import add_months, month_of, months_from
from shared.stops.rows import settlement_row

REVIEW_TASK = "household_review"
HEARING_LAW = "《社会救助法》第四十八条"


def opened(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    """The review of a household that lost a member: its row, its task with the last day, the public fact."""
    proposal = _proposal(found, work, ctx)
    if proposal is None:
        return []
    due = review_due(died_on(work), ctx.policy, work.item.region)
    row = review_row(work.item, proposal, due, law_of(work.item.matter, ctx))
    data = {"due": due.isoformat(), "proposal": proposal.public()}
    task = OpenTask(REVIEW_TASK, "review", "handler", working_days_until(due, ctx.now), "MEMBER_DIED", data=data)
    steps: list[Step] = [Write(HOUSEHOLD_REVIEW, row), task]
    if work.item.person_ref is not None:
        item = work.item
        told = HouseholdReviewOpened(
            person_ref=item.person_ref or "", case_id=item.case_id, region=item.region, due=due
        )
        steps.append(Publish(told))
    return steps


def reassessed(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    """What the handler decided: approved, the new amount runs from the month after (未核实); else it stays as it was.

    Raises `RefusedError` (`HEARING_REQUIRED`) for a reduction or an end without a recorded hearing, `Invalid` for an
    income that cannot be read.
    """
    decision = work.decision(REVIEW_TASK)
    if decision is None:
        return []
    outcome = _proposal(found, work, ctx, _income(decision), decision.at)
    if outcome is None:
        return []
    due = review_due(died_on(work), ctx.policy, work.item.region)
    row = review_row(work.item, outcome, due, law_of(work.item.matter, ctx))
    row |= {"decided_by": decision.by, "decided_at": decision.at, "state": "unchanged"}
    if decision.outcome != TaskOutcome.APPROVE:
        return [Write(HOUSEHOLD_REVIEW, {**row, "after_fen": row["before_fen"]}, upsert=True)]
    heard_at = _heard(work, ctx)
    if outcome.after < outcome.before and heard_at is None:
        raise RefusedError(_hearing_required())
    return _in_force(outcome, {**row, "heard_at": heard_at}, decision, work)


def review_standing(found: Stop, work: Work, ctx: Ctx, state: str | None) -> list[Step]:
    """The review's row in this state while the death is in doubt, or undone; None: as was decided, or open."""
    proposal = _proposal(found, work, ctx)
    if proposal is None:
        return []
    written = [s for s in reassessed(found, work, ctx) if isinstance(s, Write)]
    due = review_due(died_on(work), ctx.policy, work.item.region)
    row = written[0].values if written else review_row(work.item, proposal, due, law_of(work.item.matter, ctx))
    return [Write(HOUSEHOLD_REVIEW, {**row, "state": state or row["state"]}, upsert=True)]


def review_undone(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    """The household has all its members again; where it was reduced it is owed the difference, and gets what it had."""
    decision = work.decision(REVIEW_TASK)
    if decision is None or decision.outcome != TaskOutcome.APPROVE:
        return []
    outcome = _proposal(found, work, ctx, _income(decision), decision.at)
    if outcome is None:
        return []
    this = month_of(beijing_date(ctx.now))
    months = months_from(add_months(month_of(beijing_date(decision.at)), 1), this)
    missed = yuan((outcome.before - outcome.after) * len(months))
    lines = [{"scheme": found.household.scheme if found.household else "", "months": months}]
    row = settlement_row(work.item, "household_arrears", missed, lines, "payable", ctx.now)
    steps: list[Step] = [Write(STOPPED.settlement, row)] if missed > 0 else []
    if work.item.person_ref is not None:
        told = HouseholdReassessed(
            person_ref=work.item.person_ref,
            case_id=work.item.case_id,
            members_before=outcome.members_after,
            members_after=outcome.members_before,
            before=outcome.after,
            after=outcome.before,
            from_month=add_months(this, 1),
        )
        steps.append(Publish(told))
    return steps


def _proposal(
    found: Stop, work: Work, ctx: Ctx, income: Decimal | None = None, at: datetime | None = None
) -> Reassessment | None:
    allowance = found.household
    if allowance is None or allowance.household is None:
        return None
    on = beijing_date(at or ctx.now)
    return reassess(allowance, allowance.household, ctx.policy, work.item.region, on, income)


def _in_force(outcome: Reassessment, row: Mapping[str, Any], decision: DecisionRecord, work: Work) -> list[Step]:
    start = add_months(month_of(beijing_date(decision.at)), 1)
    changed = {"state": "reassessed", "after_fen": to_fen(outcome.after), "from_month": start}
    steps: list[Step] = [Write(HOUSEHOLD_REVIEW, {**row, **changed}, upsert=True)]
    if work.item.person_ref is not None:
        told = HouseholdReassessed(
            person_ref=work.item.person_ref,
            case_id=work.item.case_id,
            members_before=outcome.members_before,
            members_after=outcome.members_after,
            before=outcome.before,
            after=outcome.after,
            from_month=start,
        )
        steps.append(Publish(told))
    return steps


def _income(decision: DecisionRecord) -> Decimal | None:
    """The household's monthly income as the handler found it, None where the roll's stands."""
    given = decision.result.get("income")
    if given is None:
        return None
    try:
        found = yuan(given)
    except ValueError:
        found = Decimal(-1)
    if found < 0:
        wrong = FieldError(
            "/result/income", "FORMAT", '家庭月收入应为形如 "900.00" 的字符串 / yuan a month like "900.00"'
        )
        raise Invalid([wrong])
    return found


def _heard(work: Work, ctx: Ctx) -> datetime | None:
    """When the family was heard, if both the moment (not to come) and what was said are on record."""
    hearing = work.said(REVIEW_TASK).get("hearing") or {}
    try:
        at = datetime.fromisoformat(str(hearing.get("at")))
        past = at <= ctx.now
    except (ValueError, TypeError):  # no moment, or one without its zone
        return None
    return at if past and str(hearing.get("said") or "").strip() else None


def _hearing_required() -> Refused:
    return Refused(
        "HEARING_REQUIRED",
        HEARING_LAW,
    )
