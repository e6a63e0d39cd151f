"""临时救助 as a procedure: a person always decides; small and quick one alone, larger sums two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.assistance.domain.rows import relief_row
from services.assistance.domain.temporary import Hardship, Proposal, propose
from services.assistance.tables import RELIEF
from shared.catalog.protocol import Finding
from shared.catalog.services.assistance import TemporaryAssistanceGranted
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.errors import FieldError, Invalid, Refused, RefusedError
from shared.handling.basis import days, law_of
from shared.handling.limits import end_of, working_days_until
from shared.handling.model import DecisionRecord, Work
from shared.handling.procedure import Accept, Conclude, OpenTask, Publish, Stage, Step, Wake, Write
from shared.handling.tasks import TaskOutcome
from shared.money import ZERO, format_yuan, yuan
from shared.months import add_months_to
from shared.outcomes import Decision

REVIEW_TASK, APPROVAL_TASK, PUBLICITY = "temporary_review", "temporary_approval", "publicity"
_FAVOURABLE = (TaskOutcome.APPROVE, TaskOutcome.ACCEPT)


@dataclass(frozen=True)
class TemporaryProcedure:
    """依申请: 小额快救 without check or publicity; urgent by two; expenditure by two after publicity (公示)."""

    matter: str = "assistance.temporary"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """The account is a family member's or the agent's; expenditure has its expenses and the authorisation."""
        form = work.part.form
        found = [] if form["bank_account"]["holder"] in _names(work) else [_HOLDER]
        if form["hardship_type"] != "expenditure":
            return found
        found += [] if form.get("expenses") else [_EXPENSES]
        given = {m.type for m in work.item.materials}
        return found if given & {"authorization", "commitment"} else [*found, _AUTHORIZATION]

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """Accepted at once; then whoever policy says decides on what the rule proposes."""
        if not work.item.ready:
            return ()
        proposal = propose(_hardship(work, ctx), ctx.policy, work.item.region)
        return [Accept(), *_people(work, ctx, proposal)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the relief is recorded for payment, and everyone concerned may know."""
        item, hardship = work.item, _hardship(work, ctx)
        if item.outcome != Decision.APPROVED:
            return ()
        amount = yuan(item.conclusion["result"]["amount"])
        steps: list[Step] = [Write(RELIEF, relief_row(item, hardship, amount, ctx.now))]
        if item.person_ref is not None:
            told = TemporaryAssistanceGranted(
                person_ref=item.person_ref, region=item.region, hardship_type=hardship.kind, amount=amount
            )
            steps.append(Publish(told))
        return steps


def _hardship(work: Work, ctx: Ctx) -> Hardship:
    form = work.part.form
    spent = [yuan(e["amount"]) for e in form.get("expenses", ())]
    counted = form["hardship_type"] == "expenditure"
    return Hardship(
        kind=form["hardship_type"],
        requested=yuan(form["requested_amount"]),
        persons=len(_members(work)),
        occurred_on=_basis_day(work, ctx),
        area=form.get("area_class", "urban"),
        expenses=yuan(sum(spent, ZERO)) if counted else None,
    )


def _basis_day(work: Work, ctx: Ctx) -> date:
    """The day whose standard counts: that of the hardship, or of the application where the hardship is long past."""
    occurred, received = date.fromisoformat(work.part.form["occurred_at"]), beijing_date(work.item.received_at)
    months = int(ctx.policy.find(f"{work.item.matter}.look_back_months", work.item.region, received).value)
    return occurred if add_months_to(occurred, months) >= received else received


def _members(work: Work) -> list[Mapping[str, Any]]:
    """Applicant and household, each person once; two that have no number are two."""
    named = [work.part.parties["applicant"], *work.part.parties.get("household", ())]
    members: dict[str | int, Mapping[str, Any]] = {}
    for n, person in enumerate(named):
        members.setdefault(person.get("id_no") or n, person)
    return list(members.values())


def _names(work: Work) -> set[Any]:
    agent = work.part.parties.get("agent")
    return {p.get("name") for p in (*_members(work), *([agent] if agent else []))}


def _people(work: Work, ctx: Ctx, proposal: Proposal) -> list[Step]:
    review, approval = work.decision(REVIEW_TASK), work.decision(APPROVAL_TASK)
    if review is None:
        return [Stage("REVIEW", "审核"), _review_task(work, ctx, proposal)]
    if proposal.deciders == 1:
        return [*_decided(review, proposal, work, ctx)]
    if approval is not None:
        return [*_decided(approval, proposal, work, ctx, review)]
    reviewed = _amount(review, proposal, work, ctx)  # refused to the reviewer at once, not when the publicity ends
    last = beijing_date(review.at) + timedelta(days=proposal.publicity_days)
    if proposal.publicity_days and review.outcome in _FAVOURABLE and beijing_date(ctx.now) <= last:
        return [Stage("PUBLICIZING", "公示"), Wake(PUBLICITY, end_of(last))]
    opinion = TaskOutcome.APPROVE if review.outcome in _FAVOURABLE else review.outcome
    data = {
        "proposal": proposal.public(),
        "opinion": {
            "outcome": opinion,
            "reason_code": review.reason_code,
            "amount": format_yuan(reviewed),
        },
    }
    task = OpenTask(APPROVAL_TASK, "approval", "approver", days(work, ctx, "approval"), data=data, four_eyes=True)
    return [Stage("APPROVAL", "审批"), task]


def _review_task(work: Work, ctx: Ctx, proposal: Proposal) -> OpenTask:
    left = proposal.days
    if proposal.day_unit == "calendar":
        left = working_days_until(beijing_date(work.item.received_at) + timedelta(days=proposal.days), ctx.now)
    data = {"proposal": proposal.public(), "hardship_type": work.part.form["hardship_type"]}
    # Where one person decides alone, that is not who received it (同一人不得受理又审批同一件).
    return OpenTask(REVIEW_TASK, "review", "handler", left, data=data, four_eyes=proposal.deciders == 1)


def _decided(
    decision: DecisionRecord, proposal: Proposal, work: Work, ctx: Ctx, review: DecisionRecord | None = None
) -> list[Step]:
    law = law_of(work.item.matter, ctx)
    if decision.outcome == TaskOutcome.DENY:
        return [Conclude(Decision.DENIED, decision.reason_code, law)]
    if decision.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, decision.reason_code or "DECIDED_BY_PERSON", law)]
    if decision.outcome != TaskOutcome.APPROVE:
        return []
    amount = _amount(decision, proposal, work, ctx, review)
    result = {**proposal.public(), "amount": format_yuan(amount), "hardship_type": work.part.form["hardship_type"]}
    return [Conclude(Decision.APPROVED, decision.reason_code or "HARDSHIP_CONFIRMED", law, result)]


def _amount(
    decision: DecisionRecord, proposal: Proposal, work: Work, ctx: Ctx, review: DecisionRecord | None = None
) -> Decimal:
    """The amount that was decided, else the reviewer's, else the rule's; `RefusedError` (`OVER_CAP`) above the cap."""
    given = decision.result.get("amount", review.result.get("amount") if review else None)
    if given is None:
        return proposal.amount
    try:
        amount = yuan(given)
    except ValueError:
        amount = ZERO
    if amount <= ZERO:
        raise Invalid([FieldError("/result/amount", "FORMAT", '金额应大于0,形如 "500.00" / an amount like "500.00"')])
    if amount > proposal.cap:
        raise RefusedError(_over_cap(proposal, law_of(work.item.matter, ctx)))
    return amount


def _over_cap(proposal: Proposal, law: str) -> Refused:
    cap = format_yuan(proposal.cap)
    return Refused("OVER_CAP", law, f"超过封顶 {cap} 元,请调低金额", f"above the cap of {cap} yuan: lower the amount")


_HOLDER = Finding(
    code="ACCOUNT_HOLDER",
    pointer="/form/bank_account/holder",
    message_zh="收款账户户名须为申请人、家庭成员或代办人,请更正户名或账户",
    message_en="the account must be in the name of the applicant, a family member or the agent",
)
_EXPENSES = Finding(
    code="EXPENSES_REQUIRED",
    pointer="/form/expenses",
    message_zh="支出型救助请填写必要支出明细",
    message_en="relief for expenditure needs the list of expenses",
)
_AUTHORIZATION = Finding(
    code="MATERIAL_MISSING",
    pointer="/materials",
    material="authorization",
    message_zh="缺家庭经济状况核对授权书(可用告知承诺代替)",
    message_en="the authorisation to check the family's means is missing; a commitment will do",
)
