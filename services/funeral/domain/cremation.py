"""火化与火化证明: ends only on a fact, reported by the funeral home or held by the register outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.funeral.domain.common import by_rule, law_of, person_task, refusal
from services.funeral.domain.sources import ask_register, ask_reports, report_ask, wait_for_home
from shared.catalog.protocol import Finding
from shared.changes import Ctx
from shared.handling.model import DecisionRecord, Work
from shared.handling.procedure import Conclude, OpenTask, Stage, Step
from shared.handling.tasks import TaskOutcome
from shared.outcomes import Decision, FactStatus

CHECK_TASK = "cremation_check"
IDENTITY_TASK = "cremated_person"
_REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Known:
    """A cremation that a source tells of; `reason` says which source."""

    cremated_on: date
    home_no: str
    certificate_no: str | None
    name: str | None
    died_on: date | None
    reason: str

    def conclude(self, law: str, decision: DecisionRecord | None, *, rule: bool) -> Conclude:
        """Approved: done in the world, the certificate's number for intake's eyes only."""
        reason = (decision.reason_code if decision else "") or self.reason
        result = {"cremated_on": self.cremated_on.isoformat(), "home_no": self.home_no, "done_in_world": True}
        personal = {"certificate_no": self.certificate_no} if self.certificate_no else {}
        return Conclude(Decision.APPROVED, reason, law, result, personal, by_rule=rule)


@dataclass(frozen=True)
class CremationProcedure:
    """告知事项: waits for the fact, and never ends without it."""

    matter: str = "funeral.cremation"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Nothing for the family to bring."""
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The homes' reports, then the register; what agrees ends the item, what differs goes to a person."""
        steps: list[Step] = [ask_reports(work.item)]
        heard = work.answer(report_ask(work.item))
        if heard is None:
            return steps
        reports = heard["data"]["reports"]
        if len(reports) > 1:
            return [*steps, *_person("SEVERAL_REPORTS", [_known(r, "REPORTED_BY_HOME") for r in reports], work, ctx)]
        if reports:
            return [*steps, *_weigh(_known(reports[0], "REPORTED_BY_HOME"), work, ctx)]
        steps.append(ask_register(_REGISTER, work))
        held = work.answer(_REGISTER)
        if held is None:
            waiting = wait_for_home(_REGISTER, work, ctx)
            return [*steps, *waiting, *([Stage("AWAITING_REPORT", "等待殡仪馆上报")] if waiting else [])]
        if held["status"] == FactStatus.CONTRADICTED:
            return [*steps, *_person("SOURCE_CONTRADICTS", [], work, ctx)]
        return [*steps, *_weigh(_known(held["data"], "HELD_BY_REGISTER"), work, ctx)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The fact is the home's own; nothing more follows here."""
        return ()

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """Somebody was cremated under this name, which nothing undoes: the certificate is void, and a supervisor finds
        out whose body it was."""
        data = {"home_no": work.item.conclusion["result"]["home_no"]}
        return [OpenTask(IDENTITY_TASK, "review", "supervisor", 1, "CREMATED_UNDER_ANOTHERS_NAME", data=data)]


def _weigh(known: Known | None, work: Work, ctx: Ctx) -> list[Step]:
    """By rule when what is known agrees with what the family states; the report rules, a person looks at a difference."""
    if known is None:
        return _person("INCOMPLETE_REPORT", [], work, ctx)
    stated = work.part.form
    differs = [
        name
        for name, one, other in (
            ("died_on", known.died_on and known.died_on.isoformat(), stated["death"]["date"]),
            ("home_no", known.home_no, stated["funeral_home"]),
            ("name", known.name, work.part.parties["subject"]["name"]),
        )
        if one is not None and one != other
    ]
    if known.cremated_on.isoformat() < stated["death"]["date"]:
        differs.append("cremated_on")
    if differs or not by_rule(work, ctx):
        return _person("REPORT_DIFFERS" if differs else "TO_A_PERSON", [known], work, ctx, differs=differs)
    return [known.conclude(law_of(work.item.matter, ctx), None, rule=True)]


def _person(reason: str, known: Sequence[Known | None], work: Work, ctx: Ctx, **data: Any) -> list[Step]:
    """A task, or what was decided on it: a notification is established or does not concern us, never denied."""
    decision = work.decision(CHECK_TASK)
    if decision is None:
        return [person_task(CHECK_TASK, reason, work, ctx, reports=len(known), **data)]
    law = law_of(work.item.matter, ctx)
    if decision.outcome != TaskOutcome.APPROVE:
        return [*refusal(decision, law, TaskOutcome.NOT_APPLICABLE)]
    chosen = _chosen(decision.result, known, work)
    return [chosen.conclude(law, decision, rule=False)] if chosen else []


def _chosen(result: Mapping[str, Any], known: Sequence[Known | None], work: Work) -> Known | None:
    """The report a person relies on: the only one, the one named (`result.report`, from 1), or the evidence given
    (`result.cremated_on`, and `home_no` where another home than stated did it)."""
    if "cremated_on" in result:
        home = result.get("home_no") or work.part.form["funeral_home"]
        return _known({"cremated_on": result["cremated_on"], "home_no": home}, "EVIDENCE_SEEN")
    number = result.get("report", 1 if len(known) == 1 else 0)
    return known[number - 1] if isinstance(number, int) and 1 <= number <= len(known) else None


def _known(data: Mapping[str, Any], reason: str) -> Known | None:
    """What a source tells, None when it lacks the day or the home."""
    try:
        died = data.get("died_on")
        return Known(
            cremated_on=date.fromisoformat(data["cremated_on"]),
            home_no=str(data["home_no"]),
            certificate_no=data.get("certificate_no"),
            name=data.get("name"),
            died_on=date.fromisoformat(died) if died else None,
            reason=reason,
        )
    except (KeyError, TypeError, ValueError):
        return None
