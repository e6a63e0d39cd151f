"""逝者养老待遇停发 as a procedure: ex officio, on a confirmed death, by rule where the roll is clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.elderly.domain.benefit_stop import FAMILY, Stop, payee_of, stop
from services.elderly.domain.common import birth, days, died_on, law_of, person_of
from services.elderly.domain.rows import settlement_row, stop_row
from services.elderly.tables import SETTLEMENT, STOP
from shared.catalog.protocol import Finding
from shared.catalog.services.elderly import AllowanceStopped
from shared.changes import Ctx
from shared.errors import Refused, RefusedError
from shared.handling.model import AskSource, Conclude, OpenTask, Publish, Step, Work, Write
from shared.handling.tasks import TaskOutcome
from shared.money import format_yuan
from shared.outcomes import Decision, FactStatus
from shared.roll import SOURCE, Running, question, read_roll

ROLL, ROLL_TASK, OVERPAID_TASK, PAYEE_TASK = "roll", "roll_check", "overpayment", "heir_payee"


@dataclass(frozen=True)
class BenefitStopProcedure:
    """依职权: what was the dead person's own ends by rule; money paid too much is only ever proposed to a person."""

    matter: str = "elderly.benefit_stop"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Nothing for the family to bring."""
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The roll is asked at once; it is decided when the death is established."""
        asked = _ask(work)
        answer = work.answer(ROLL)
        if answer is None or not work.item.ready:
            return [asked]
        if answer["status"] == FactStatus.CONTRADICTED:
            return [asked, *_by_person(work, ctx)]
        return [asked, _conclude(work, ctx, "DEATH_CONFIRMED", by_rule=True)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """In force: the stops, what is owed to the heir, the public facts; overpaid or payee unknown: a person."""
        if work.item.outcome != Decision.APPROVED:
            return ()
        found = _stop(work, ctx)
        return [
            *(Write(STOP, stop_row(work.item, e, n, ctx.now)) for n, e in enumerate(found.endings)),
            *_published(found, work),
            *_owed(found, work, ctx),
            *_overpaid(found, work, ctx),
        ]

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of an overpayment (recovered or waived), or found out of the heir's account."""
        found = _stop(work, ctx)
        return [*_overpaid_decided(found, work), *_payee_found(found, work, ctx)]


def _ask(work: Work) -> AskSource:
    claimed = work.part.form["death"]["date"]
    asked = question(FAMILY, work.item.person_ref, person_of(work), claimed)
    return AskSource(ROLL, SOURCE, asked, "在册待遇名册")


def _running(work: Work) -> list[Running]:
    answer = work.answer(ROLL)
    return read_roll(answer["data"], FAMILY) if answer and answer["data"] else []


def _stop(work: Work, ctx: Ctx) -> Stop:
    return stop(_running(work), died_on(work), birth(person_of(work)), ctx.policy, work.item.region)


def _conclude(work: Work, ctx: Ctx, reason: str, *, by_rule: bool) -> Conclude:
    law, found = law_of(work.item.matter, ctx), _stop(work, ctx)
    if not found.endings:
        return Conclude(Decision.NOT_APPLICABLE, "NOT_ON_ROLL", law, by_rule=by_rule)
    payee = _payee(work) if found.owed else None
    personal = {"payee": dict(payee)} if payee else {}
    return Conclude(Decision.APPROVED, reason, law, found.public(), personal, by_rule=by_rule)


def _payee(work: Work) -> Mapping[str, Any] | None:
    return payee_of(work.part.form, _deceased(work))


def _deceased(work: Work) -> str | None:
    name: str | None = work.part.parties.get("subject", {}).get("name")
    return name


def _by_person(work: Work, ctx: Ctx) -> list[Step]:
    """The roll's own entries disagree: a person compares them."""
    decision = work.decision(ROLL_TASK)
    if decision is None:
        left = days(work, ctx, "review")
        return [OpenTask(ROLL_TASK, "review", "handler", left, "SOURCE_CONTRADICTS", four_eyes=True)]
    reason = decision.reason_code or "DECIDED_BY_PERSON"
    if decision.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, reason, law_of(work.item.matter, ctx))]
    if decision.outcome == TaskOutcome.APPROVE and _running(work):
        return [_conclude(work, ctx, reason, by_rule=False)]
    return []  # ex officio: it cannot be denied, nor stopped where nothing is known to run


def _published(found: Stop, work: Work) -> list[Step]:
    person_ref = work.item.person_ref
    if person_ref is None:
        return []
    return [
        Publish(
            AllowanceStopped(
                person_ref=person_ref,
                scheme=e.scheme,
                region=work.item.region,
                from_month=e.from_month,
                owed=e.owed,
            )
        )
        for e in found.endings
    ]


def _owed(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    if not found.owed:
        return []
    if _payee(work) is not None:
        return [Write(SETTLEMENT, _owed_row(found, work, "payable", ctx.now))]
    task = OpenTask(PAYEE_TASK, "review", "handler", days(work, ctx, "payee"), "PAYEE_MISSING")
    return [Write(SETTLEMENT, _owed_row(found, work, "payee_wanted", ctx.now)), task]


def _overpaid(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    if not found.overpaid:
        return []
    row = _overpaid_row(found, work, "proposed", ctx.now)
    data = {"overpaid": format_yuan(found.overpaid), "lines": row["lines"]}
    task = OpenTask(OVERPAID_TASK, "review", "handler", days(work, ctx, "overpayment"), "OVERPAID", data=data)
    return [Write(SETTLEMENT, row), task]


def _overpaid_decided(found: Stop, work: Work) -> list[Step]:
    decision = work.decision(OVERPAID_TASK)
    if decision is None:
        return []
    state = "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"
    return [Write(SETTLEMENT, _overpaid_row(found, work, state, decision.at, decision.by), upsert=True)]


def _payee_found(found: Stop, work: Work, ctx: Ctx) -> list[Step]:
    decision = work.decision(PAYEE_TASK)
    if decision is None:
        return []
    agreed = decision.outcome == TaskOutcome.APPROVE
    payee = (work.said(PAYEE_TASK).get("personal") or {}).get("payee") or {}
    if agreed and payee.get("holder") in (None, "", _deceased(work)):
        raise RefusedError(_payee_required(law_of(work.item.matter, ctx)))
    state = "payable" if agreed else "unclaimed"
    return [Write(SETTLEMENT, _owed_row(found, work, state, decision.at, decision.by), upsert=True)]


def _owed_row(found: Stop, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    lines = [{"scheme": e.scheme, "months": list(e.owed_months)} for e in found.endings if e.owed]
    return settlement_row(work.item, "owed", found.owed, lines, state, at, by)


def _overpaid_row(found: Stop, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    lines = [{"scheme": e.scheme, "months": list(e.overpaid_months)} for e in found.endings if e.overpaid]
    return settlement_row(work.item, "overpaid", found.overpaid, lines, state, at, by)


def _payee_required(law: str) -> Refused:
    return Refused(
        "PAYEE_REQUIRED",
        law,
        "请在 result.personal.payee 写明具结继承人的户名和账号;不付入逝者账户",
        "name the holder and number of the heir's account in result.personal.payee; never the dead person's",
    )
