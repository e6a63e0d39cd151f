"""The money that follows a stop, and what becomes of both when the death is in doubt or proved not to be so.

Which tables, and what ended, each service says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.changes import Ctx
from shared.death import deceased, heir_account
from shared.errors import Refused, RefusedError
from shared.handling.basis import days, law_of
from shared.handling.model import Work
from shared.handling.procedure import OpenTask, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.money import ZERO, format_yuan, yuan
from shared.roll import Restoring
from shared.stops.rows import Ended, overpaid_row, owed_lines, owed_row, settlement_row, stop_row
from shared.stops.tables import StopTables

OVERPAID_TASK: Final = "overpayment"
PAYEE_TASK: Final = "heir_payee"
RECOVERY_TASK: Final = "heir_recovery"


@dataclass(frozen=True)
class Stops:
    """The stops of one service: its tables, and what ended with a death."""

    tables: StopTables
    ended: Callable[[Work, Ctx], Ended]

    def sums(self, found: Ended, work: Work, ctx: Ctx) -> list[Step]:
        """What of all that ended is owed to the heir, and what was paid too much. A person finds the account that is not
        known, and decides whether money is taken back."""
        return [*self._owed(found, work, ctx), *self._overpaid(found, work, ctx)]

    def decided(self, work: Work, ctx: Ctx) -> list[Step]:
        """What a person decided of an overpayment (recovered or waived), or found out of the heir's account; `RefusedError`
        (`PAYEE_REQUIRED`) where that account is missing, or the dead person's own."""
        found = self.ended(work, ctx)
        return [*self._overpaid_decided(found, work), *self._payee_found(found, work, ctx)]

    def standing(self, work: Work, ctx: Ctx, state: str, money: str | None = None) -> list[Step]:
        """The stops in this state, and the sums that follow in theirs; None: as was decided of them."""
        found, told = self.ended(work, ctx), work.item.data.get("stopped_at")
        at = datetime.fromisoformat(told) if told else ctx.now
        rows = [stop_row(work.item, ending, n, at, state) for n, ending in enumerate(found.endings)]
        return [*(Write(self.tables.stop, row, upsert=True) for row in rows), *self._money(found, work, ctx, money)]

    def arrears(self, back: Sequence[Restoring], work: Work, ctx: Ctx) -> list[Step]:
        """What fell due meanwhile. A rule may grant: what is owed to the living is payable at once."""
        amount = yuan(sum((r.arrears for r in back), ZERO))
        if not amount:
            return []
        lines = [{"scheme": r.scheme, "months": list(r.arrears_months)} for r in back if r.arrears]
        return [Write(self.tables.settlement, settlement_row(work.item, "arrears", amount, lines, "payable", ctx.now))]

    def recovery(self, work: Work, ctx: Ctx) -> list[Step]:
        """Money that may have gone to an heir, or been taken back from the family: a person settles it, never a rule."""
        found = self.ended(work, ctx)
        paid = found.owed if found.owed and self._owed_state(work) == "payable" else ZERO
        refund = found.overpaid if found.overpaid and _overpaid_state(work) == "to_recover" else ZERO
        if not (paid or refund):
            return []
        data = {"paid_to_heir": format_yuan(paid), "recovered_from_family": format_yuan(refund)}
        left = days(work, ctx, "overpayment")
        task = OpenTask(RECOVERY_TASK, "review", "handler", left, "DEATH_RETRACTED", data=data)
        return [*([self._recovery_row(found, work, "proposed", ctx.now)] if paid else []), task]

    def recovered(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of money that an heir may have been paid."""
        decision = work.decision(RECOVERY_TASK)
        if decision is None:
            return ()
        state = "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"
        return [self._recovery_row(self.ended(work, ctx), work, state, decision.at, decision.by)]

    def _owed(self, found: Ended, work: Work, ctx: Ctx) -> list[Step]:
        if not found.owed:
            return []
        if heir_account(work) is not None:
            return [Write(self.tables.settlement, owed_row(found, work, "payable", ctx.now))]
        task = OpenTask(PAYEE_TASK, "review", "handler", days(work, ctx, "payee"), "PAYEE_MISSING")
        return [Write(self.tables.settlement, owed_row(found, work, "payee_wanted", ctx.now)), task]

    def _overpaid(self, found: Ended, work: Work, ctx: Ctx) -> list[Step]:
        if not found.overpaid:
            return []
        row = overpaid_row(found, work, "proposed", ctx.now)
        data = {"overpaid": format_yuan(found.overpaid), "lines": row["lines"]}
        task = OpenTask(OVERPAID_TASK, "review", "handler", days(work, ctx, "overpayment"), "OVERPAID", data=data)
        return [Write(self.tables.settlement, row), task]

    def _overpaid_decided(self, found: Ended, work: Work) -> list[Step]:
        decision = work.decision(OVERPAID_TASK)
        if decision is None:
            return []
        row = overpaid_row(found, work, _overpaid_state(work), decision.at, decision.by)
        return [Write(self.tables.settlement, row, upsert=True)]

    def _payee_found(self, found: Ended, work: Work, ctx: Ctx) -> list[Step]:
        decision = work.decision(PAYEE_TASK)
        if decision is None:
            return []
        payee = (work.said(PAYEE_TASK).get("personal") or {}).get("payee") or {}
        agreed = decision.outcome == TaskOutcome.APPROVE
        if agreed and payee.get("holder") in (None, "", deceased(work)):
            raise RefusedError(_payee_required(law_of(work.item.matter, ctx)))
        row = owed_row(found, work, self._owed_state(work), decision.at, decision.by)
        return [Write(self.tables.settlement, row, upsert=True)]

    def _money(self, found: Ended, work: Work, ctx: Ctx, state: str | None) -> list[Step]:
        rows = []
        if found.owed:
            rows.append(owed_row(found, work, *_as(work, ctx, PAYEE_TASK, state, self._owed_state(work))))
        if found.overpaid:
            rows.append(overpaid_row(found, work, *_as(work, ctx, OVERPAID_TASK, state, _overpaid_state(work))))
        return [Write(self.tables.settlement, row, upsert=True) for row in rows]

    def _owed_state(self, work: Work) -> str:
        decision = work.decision(PAYEE_TASK)
        if decision is not None:
            return "payable" if decision.outcome == TaskOutcome.APPROVE else "unclaimed"
        return "payable" if heir_account(work) is not None else "payee_wanted"

    def _recovery_row(self, found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> Step:
        row = settlement_row(work.item, "heir_recovery", found.owed, owed_lines(found), state, at, by)
        return Write(self.tables.settlement, row, upsert=True)


def _as(work: Work, ctx: Ctx, kind: str, state: str | None, decided: str) -> tuple[str, datetime, str | None]:
    decision = work.decision(kind)
    return (state or decided, decision.at, decision.by) if decision else (state or decided, ctx.now, None)


def _overpaid_state(work: Work) -> str:
    decision = work.decision(OVERPAID_TASK)
    if decision is None:
        return "proposed"
    return "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"


def _payee_required(law: str) -> Refused:
    return Refused(
        "PAYEE_REQUIRED",
        law,
    )
