"""基本殡葬减免: waived in the hall against the home's own bill, settled with the home by the month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.funeral.domain.common import by_rule, law_of, person_task, refusal
from services.funeral.domain.fees import WAIVED, Charge, charge_rows, differences, parse_charges, waived
from services.funeral.domain.reports import district_of
from services.funeral.domain.sources import ask_register, ask_reports, report_ask, wait_for_home
from services.funeral.tables import SETTLEMENT_LINE
from shared.catalog.protocol import Finding
from shared.catalog.services.funeral import FeeWaiverReversed, FeeWaiverSettled
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.handling.procedure import Conclude, Publish, Remember, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.messages import derived_id
from shared.money import to_fen, yuan
from shared.outcomes import Decision, FactStatus
from shared.policy import Calculation, PolicyMissing
from shared.regions import covers

REVIEW_TASK = "fee_review"
RECOVERY_TASK = "waiver_recovery"
_BILL = "bill"


@dataclass(frozen=True, slots=True)
class Bill:
    """What the home charged, as its report or the register has it; `trouble` says why a rule cannot rely on it."""

    home_no: str
    cremated_on: date
    charges: list[Charge]
    already: tuple[str, ...] = ()
    trouble: str = ""
    differs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FeeWaiverProcedure:
    """依申请: granted by rule when form and bill agree, else by a person."""

    matter: str = "funeral.fee_waiver"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """The proof of kinship (or the commitment in its place), and charges that exist."""
        found = [] if any(m.type == "kinship_proof" for m in work.item.materials) else [_NO_KINSHIP_PROOF]
        codes = ctx.policy.find("funeral.charges", work.item.region, beijing_date(work.item.received_at)).value
        rows = enumerate(work.part.form.get("fee_items", ()))
        return [*found, *(_unknown_charge(n) for n, row in rows if row["code"] not in codes)]

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """Once the cremation is established: the home's bill, the calculation, the rule's grant or a person's."""
        if not work.item.ready:
            return ()
        steps: list[Step] = [ask_reports(work.item)]
        heard = work.answer(report_ask(work.item))
        if heard is None:
            return steps
        if not heard["data"]["reports"]:
            steps.append(ask_register(_BILL, work, charges=work.part.form["fee_items"]))
            if work.answer(_BILL) is None:
                return [*steps, *wait_for_home(_BILL, work, ctx)]
        return [*steps, *_decide(_bill(heard["data"], work), work, ctx)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The grant is in force: a line an item waived for the month's settlement with the home, and the public fact."""
        item, done = work.item, work.item.conclusion
        if item.outcome != Decision.APPROVED:
            return ()
        result = done["result"]
        settled = Remember({"settled_on": beijing_date(ctx.now).isoformat()})
        rows = [Write(SETTLEMENT_LINE, row) for row in _lines(work, ctx)]
        told = FeeWaiverSettled(
            person_ref=str(item.person_ref),
            home_no=result["home_no"],
            waived=yuan(result["waived"]),
            family_pays=yuan(result["family_pays"]),
        )
        return [settled, *rows, Publish(told)]

    def frozen(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death is in doubt: nothing of it is settled with the home meanwhile."""
        return _standing("suspended", work, ctx)

    def released(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death stands, and so does the waiver."""
        return _standing("in_force", work, ctx)

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """There was no death: the lines leave the settlement; what was paid to the home a person takes back, or not."""
        result = work.item.conclusion["result"]
        told = FeeWaiverReversed(
            person_ref=str(work.item.person_ref), home_no=result["home_no"], waived=yuan(result["waived"])
        )
        data = {"waived": result["waived"], "home_no": result["home_no"]}
        task = person_task(RECOVERY_TASK, "DEATH_RETRACTED", work, ctx, **data)
        return [*_standing("reversed", work, ctx), Publish(told), task]

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of a waiver that was undone: deducted from the home's settlement, or written off."""
        decision = work.decision(RECOVERY_TASK)
        if work.item.phase != "revoked" or decision is None:
            return ()
        state = "deducted" if decision.outcome == TaskOutcome.APPROVE else "written_off"
        return _standing(state, work, ctx)


_NO_KINSHIP_PROOF = Finding(
    code="MATERIAL_MISSING",
    pointer="/materials",
    material="kinship_proof",
    message_zh="缺亲属关系证明,可作书面承诺代替",
    message_en="proof of kinship is missing; a written commitment will do",
)


def _unknown_charge(n: int) -> Finding:
    return Finding(
        code="UNKNOWN_CHARGE",
        pointer=f"/form/fee_items/{n}/code",
        message_zh="没有这个收费项目,请按殡仪馆账单填写",
        message_en="there is no such charge: copy it from the funeral home's bill",
    )


def _bill(data: Mapping[str, Any], work: Work) -> Bill:
    """The bill the home reported; without one, what the register says; with trouble when there is no one bill."""
    stated = parse_charges(work.part.form["fee_items"])
    already = tuple(data.get("waived", ()))
    held = work.answer(_BILL)
    found = data["reports"][0] if data["reports"] else held["data"] if held else {}
    bill = Bill(
        home_no=str(found.get("home_no") or work.part.form["funeral_home"]),
        cremated_on=_day(found.get("cremated_on"), work),
        charges=_charges(found.get("charges")),
        already=already,
    )
    differs = differences(stated, bill.charges)
    if len(data["reports"]) > 1:
        trouble = "SEVERAL_REPORTS"
    elif not data["reports"] and held and held["status"] == FactStatus.CONTRADICTED:
        trouble = "SOURCE_CONTRADICTS"
    elif not bill.charges:
        trouble = "NO_BILL"
    else:
        trouble = "CHARGES_DIFFER" if differs else ""
    return Bill(bill.home_no, bill.cremated_on, bill.charges, already, trouble, differs if bill.charges else [])


def _decide(bill: Bill, work: Work, ctx: Ctx) -> list[Step]:
    decision = work.decision(REVIEW_TASK)
    law = law_of(work.item.matter, ctx)
    if decision is not None and decision.outcome != TaskOutcome.APPROVE:
        return [*refusal(decision, law, TaskOutcome.DENY, TaskOutcome.NOT_APPLICABLE)]
    if not _in_force(bill, work, ctx):
        return [] if decision else [person_task(REVIEW_TASK, "BEFORE_PROGRAMME", work, ctx)]  # nothing to grant by
    if decision is not None:
        charges = _charges(decision.result.get("charges")) or bill.charges
        if not charges:
            return []
        result = _result(_calculate(charges, bill, work, ctx), bill)
        return [Conclude(Decision.APPROVED, decision.reason_code or "REVIEWED_BY_PERSON", law, result)]
    if bill.trouble in ("SEVERAL_REPORTS", "SOURCE_CONTRADICTS", "NO_BILL"):
        return [person_task(REVIEW_TASK, bill.trouble, work, ctx)]
    calculation = _calculate(bill.charges, bill, work, ctx)
    reason = bill.trouble or _why_a_person(bill, calculation, work, ctx)
    if reason:
        amount = calculation.value["waived"]
        return [person_task(REVIEW_TASK, reason, work, ctx, differs=bill.differs, waived=amount)]
    return [Conclude(Decision.APPROVED, "BILL_AGREES", law, _result(calculation, bill), by_rule=True)]


def _in_force(bill: Bill, work: Work, ctx: Ctx) -> bool:
    """Whether there were figures to waive by on the day of the cremation."""
    try:
        ctx.policy.find("funeral.fee_waiver.caps", work.item.region, bill.cremated_on)
    except PolicyMissing:
        return False
    return True


def _why_a_person(bill: Bill, calculation: Calculation, work: Work, ctx: Ctx) -> str:
    """Why a rule may not grant, though the bills agree; empty when it may."""
    area = ctx.policy.find("funeral.fee_waiver.area", work.item.region, bill.cremated_on).value
    if set(bill.already) & {c.code for c in bill.charges}:
        return "ALREADY_WAIVED"
    if not covers(area, district_of(bill.home_no)):
        return "CREMATED_ELSEWHERE"
    if not covers(area, work.part.form["death"]["place_region"]):
        return "HOUSEHOLD_REGISTER_TO_CHECK"  # died elsewhere: only residents of the city are entitled
    if not yuan(calculation.value["waived"]):
        return "NOTHING_TO_WAIVE"
    return "" if by_rule(work, ctx) else "TO_A_PERSON"


def _calculate(charges: Sequence[Charge], bill: Bill, work: Work, ctx: Ctx) -> Calculation:
    inputs = {"charges": charge_rows(charges), "already": list(bill.already)}
    return waived(inputs, ctx.policy, bill.cremated_on, work.item.region)


def _result(calculation: Calculation, bill: Bill) -> dict[str, Any]:
    """The public result; `amount` is what was waived, and the explanation names no person."""
    return {
        "amount": calculation.value["waived"],
        **calculation.value,
        "home_no": bill.home_no,
        "rule": WAIVED,
        "policy": calculation.policy_version,
        "basis": list(calculation.law),
        "explanation": calculation.explanation,
    }


def _lines(work: Work, ctx: Ctx) -> list[dict[str, Any]]:
    """A line an item waived, dated with the day on which the grant came into force."""
    result = work.item.conclusion["result"]
    told = work.item.data.get("settled_on")
    day = date.fromisoformat(told) if told else beijing_date(ctx.now)
    return [_line(row, result, work, day) for row in result["lines"] if yuan(row["waived"])]


def _standing(state: str, work: Work, ctx: Ctx) -> list[Step]:
    """The lines as they stand now."""
    return [Write(SETTLEMENT_LINE, {**row, "state": state}, upsert=True) for row in _lines(work, ctx)]


def _line(row: Mapping[str, Any], result: Mapping[str, Any], work: Work, today: date) -> dict[str, Any]:
    item = work.item
    return {
        "id": derived_id(item.id, item.round, row["code"]),
        "item_id": item.id,
        "application_no": item.application_no,
        "person_ref": item.person_ref,
        "home_no": result["home_no"],
        "month": f"{today:%Y-%m}",
        "code": row["code"],
        "quantity": row["quantity"],
        "charged_fen": to_fen(yuan(row["charged"])),
        "waived_fen": to_fen(yuan(row["waived"])),
        "settled_on": today,
        "state": "in_force",
    }


def _charges(rows: Any) -> list[Charge]:
    try:
        return parse_charges(rows or ())
    except (ValueError, TypeError):
        return []


def _day(text: Any, work: Work) -> date:
    """The day of the cremation: as reported, else as the item before established it, else of the death."""
    first = next((r.public["cremated_on"] for r in work.item.results if "cremated_on" in r.public), None)
    try:
        return date.fromisoformat(str(text or first))
    except ValueError:
        return date.fromisoformat(work.part.form["death"]["date"])
