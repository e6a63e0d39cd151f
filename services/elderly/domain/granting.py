"""高龄津贴 as a procedure: on application, facts fetched, one person reviews and another approves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.elderly.domain.benefit_stop import FAMILY
from services.elderly.domain.grant import SCHEME, Facts, Proposal, propose
from services.elderly.domain.person import birth, person_of
from services.elderly.domain.rows import benefit_row
from services.elderly.tables import BENEFIT
from shared.catalog.protocol import Finding
from shared.catalog.services.elderly import AllowanceGranted
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.errors import Refused, RefusedError
from shared.handling.basis import days, law_of
from shared.handling.model import DecisionRecord, Work
from shared.handling.procedure import Accept, AskSource, Conclude, OpenTask, Publish, Stage, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.money import format_yuan, yuan
from shared.months import add_months, month_of
from shared.outcomes import Decision, FactStatus
from shared.roll import SOURCE, question, read_roll

ROLL, HOUSEHOLD, LIFE = "roll", "household", "life_check"
REVIEW_TASK, APPROVAL_TASK = "age_allowance_review", "age_allowance_approval"
_FAVOURABLE = (TaskOutcome.APPROVE, TaskOutcome.ACCEPT)


@dataclass(frozen=True)
class AgeAllowanceProcedure:
    """依申请: the rules propose amount and first month; granting and denying are two persons' (四眼)."""

    matter: str = "elderly.age_allowance"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """The age can be told from the number, and the account is the person's own or the agent's."""
        person, account = person_of(work), work.part.form["bank_account"]
        agent = work.part.parties.get("agent") or {}
        found = [] if birth(person) else [_NO_BIRTH_DATE]
        found += [_START_MONTH] if _too_far(work, ctx) else []
        return found if account["holder"] in (person.get("name"), agent.get("name")) else [*found, _HOLDER]

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """Sources first; a source that is silent sends the question to the reviewer, never back to the applicant."""
        asks = _asks(work)
        if not work.item.ready or any(a.name not in work.answers for a in asks):
            return [*asks, Stage("VERIFYING", "信息核验")]
        facts = _facts(work)
        proposal = propose(facts, ctx.policy)
        # One far too young is for a person to turn away before acceptance (不予受理), so only others are accepted here.
        accepted = [] if "TOO_YOUNG" in proposal.reasons else [Accept()]
        return [*asks, *accepted, *_people(work, ctx, proposal)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the allowance runs, and everyone concerned may know."""
        item = work.item
        if item.outcome != Decision.APPROVED:
            return ()
        result = item.conclusion["result"]
        monthly, start = yuan(result["amount"]), result["from"]
        steps: list[Step] = [Write(BENEFIT, benefit_row(item, monthly, start, ctx.now))]
        if item.person_ref is not None:
            told = AllowanceGranted(
                person_ref=item.person_ref, scheme=SCHEME, region=item.region, monthly=monthly, from_month=start
            )
            steps.append(Publish(told))
        return steps


def _too_far(work: Work, ctx: Ctx) -> bool:
    """A first month further ahead than policy lets one ask for."""
    today = beijing_date(work.item.received_at)
    ahead = int(ctx.policy.find(f"{work.item.matter}.start_months_ahead", work.item.region, today).value)
    wanted = str(work.part.form.get("start_month", ""))
    return wanted > add_months(month_of(today), ahead)


def _asks(work: Work) -> list[AskSource]:
    rolled = question(FAMILY, work.item.person_ref, person_of(work))
    whom = {name: value for name, value in rolled.items() if name != "family"}
    claimed = {"hukou_region": work.part.form["hukou_region"]}
    return [
        AskSource(HOUSEHOLD, HOUSEHOLD, {**whom, **claimed}, "户籍信息"),
        AskSource(LIFE, LIFE, whom, "生存状况比对"),
        AskSource(ROLL, SOURCE, rolled, "在册待遇名册"),
    ]


def _facts(work: Work) -> Facts:
    form = work.part.form
    household, life, roll = (work.answers[name] for name in (HOUSEHOLD, LIFE, ROLL))
    born = birth(person_of(work))
    if born is None:
        raise ValueError("the formal check lets nobody without a birth date pass")
    return Facts(
        birth=born,
        region=work.item.region,
        received_on=beijing_date(work.item.received_at),
        start_month=form.get("start_month"),
        hukou_region=household["data"].get("hukou_region", form["hukou_region"]),
        hukou_confirmed=household["status"] != FactStatus.CONTRADICTED,
        alive=life["status"] != FactStatus.CONTRADICTED and life["data"].get("alive") is not False,
        running=tuple(read_roll(roll["data"], FAMILY)) if roll["data"] else (),
    )


def _people(work: Work, ctx: Ctx, proposal: Proposal) -> list[Step]:
    """Review, then approval by another; a review against the grant goes to approval all the same."""
    review, approval = work.decision(REVIEW_TASK), work.decision(APPROVAL_TASK)
    if review is None:
        # One too young to be accepted is only checked: a review would already imply the acceptance.
        stage = "check" if "TOO_YOUNG" in proposal.reasons else "review"
        return [Stage("REVIEW", "审核"), _task(REVIEW_TASK, stage, "handler", work, ctx, proposal)]
    if "TOO_YOUNG" in proposal.reasons and TaskOutcome.APPROVE in {d.outcome for d in (review, approval) if d}:
        raise RefusedError(_too_young(law_of(work.item.matter, ctx)))
    if approval is None:
        task = _task(APPROVAL_TASK, "approval", "approver", work, ctx, proposal, review)
        return [Stage("APPROVAL", "审批"), task]
    return [*_decided(approval, proposal, work, ctx)]


def _task(
    kind: str,
    stage: str,
    role: str,
    work: Work,
    ctx: Ctx,
    proposal: Proposal,
    review: DecisionRecord | None = None,
) -> OpenTask:
    silent = sorted(name for name, answer in work.answers.items() if answer["status"] == FactStatus.SILENT)
    data: dict[str, Any] = {"proposal": proposal.public(), "unanswered": silent}
    reason = next(iter(proposal.reasons), "") or ("SOURCE_SILENT" if silent else "")
    if review is not None:
        opinion = TaskOutcome.APPROVE if review.outcome in _FAVOURABLE else review.outcome
        data["opinion"] = {"outcome": opinion, "reason_code": review.reason_code}
    left = days(work, ctx, "approval" if review else "review")
    return OpenTask(kind, stage, role, left, reason, data=data, four_eyes=review is not None)


def _decided(approval: DecisionRecord, proposal: Proposal, work: Work, ctx: Ctx) -> list[Step]:
    law = law_of(work.item.matter, ctx)
    if approval.outcome == TaskOutcome.DENY:
        return [Conclude(Decision.DENIED, approval.reason_code, law)]
    if approval.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, approval.reason_code or "DECIDED_BY_PERSON", law)]
    if approval.outcome != TaskOutcome.APPROVE:
        return []
    return [Conclude(Decision.APPROVED, approval.reason_code or "CONDITIONS_MET", law, _result(proposal))]


def _result(proposal: Proposal) -> Mapping[str, Any]:
    return {
        "amount": format_yuan(proposal.amount),
        "from": proposal.from_month,
        "scheme": SCHEME,
        "tier": proposal.tier,
        "explanation": list(proposal.explanation),
    }


def _too_young(law: str) -> Refused:
    return Refused(
        "TOO_YOUNG",
        law,
    )


_NO_BIRTH_DATE = Finding(
    code="BIRTH_DATE_UNKNOWN",
    pointer="/subject/id_no",
    message_zh="证件号码看不出出生日期,请提供居民身份证号码",
    message_en="the number does not tell the birth date: give the resident identity number",
)
_START_MONTH = Finding(
    code="START_MONTH_TOO_FAR",
    pointer="/form/start_month",
    message_zh="起领月份过晚,请填写近期月份或留空",
    message_en="the first month is too far ahead: give a nearer one or leave it out",
)
_HOLDER = Finding(
    code="ACCOUNT_HOLDER",
    pointer="/form/bank_account/holder",
    message_zh="收款账户户名须为老人本人或其代办人,请更正户名或账户",
    message_en="the account must be in the name of the person or of the agent: correct the holder or the account",
)
