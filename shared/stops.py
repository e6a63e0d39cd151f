"""Benefits that a death ended, and the money that follows: their rows, and what becomes of them when the death is in
doubt or proved not to be so. The same for every service that keeps a roll; which tables, and what ended, it says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.changes import Ctx
from shared.handling.model import Item, Work
from shared.handling.procedure import OpenTask, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.messages import derived_id
from shared.money import ZERO, format_yuan, to_fen, yuan
from shared.roll import Ending, Restoring

if TYPE_CHECKING:
    from sqlalchemy import Table

OVERPAID_TASK: Final = "overpayment"
PAYEE_TASK: Final = "heir_payee"
RECOVERY_TASK: Final = "heir_recovery"


class Ended(Protocol):
    """All that ends with one death; yuan owed to the heir, and paid for months after it."""

    @property
    def endings(self) -> tuple[Ending, ...]:
        """Each benefit that ends."""

    @property
    def owed(self) -> Decimal:
        """Yuan due through the month of death and not yet paid."""

    @property
    def overpaid(self) -> Decimal:
        """Yuan paid for months after the death."""


@dataclass(frozen=True)
class Stops:
    """The stops of one service: its tables, what ended, whose account is named, and the days policy gives a person."""

    stop: Table
    settlement: Table
    ended: Callable[[Work, Ctx], Ended]
    payee: Callable[[Work], Mapping[str, Any] | None]
    days: Callable[[Work, Ctx, str], int]

    def standing(self, work: Work, ctx: Ctx, state: str, money: str | None = None) -> list[Step]:
        """The stops in this state, and the sums that follow in theirs; None: as was decided of them."""
        found, told = self.ended(work, ctx), work.item.data.get("stopped_at")
        at = datetime.fromisoformat(told) if told else ctx.now
        rows = [stop_row(work.item, ending, n, at, state) for n, ending in enumerate(found.endings)]
        return [*(Write(self.stop, row, upsert=True) for row in rows), *self._money(found, work, ctx, money)]

    def arrears(self, back: Sequence[Restoring], work: Work, ctx: Ctx) -> list[Step]:
        """What fell due meanwhile. A rule may grant: what is owed to the living is payable at once."""
        amount = yuan(sum((r.arrears for r in back), ZERO))
        if not amount:
            return []
        lines = [{"scheme": r.scheme, "months": list(r.arrears_months)} for r in back if r.arrears]
        return [Write(self.settlement, settlement_row(work.item, "arrears", amount, lines, "payable", ctx.now))]

    def recovery(self, work: Work, ctx: Ctx) -> list[Step]:
        """Money that may have gone to an heir, or been taken back from the family: a person settles it, never a rule."""
        found = self.ended(work, ctx)
        paid = found.owed if found.owed and self._owed_state(work) == "payable" else ZERO
        refund = found.overpaid if found.overpaid and _overpaid_state(work) == "to_recover" else ZERO
        if not (paid or refund):
            return []
        data = {"paid_to_heir": format_yuan(paid), "recovered_from_family": format_yuan(refund)}
        left = self.days(work, ctx, "overpayment")
        task = OpenTask(RECOVERY_TASK, "review", "handler", left, "DEATH_RETRACTED", data=data)
        return [*([self._recovery_row(found, work, "proposed", ctx.now)] if paid else []), task]

    def recovered(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """What a person decided of money that an heir may have been paid."""
        decision = work.decision(RECOVERY_TASK)
        if decision is None:
            return ()
        state = "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"
        return [self._recovery_row(self.ended(work, ctx), work, state, decision.at, decision.by)]

    def _money(self, found: Ended, work: Work, ctx: Ctx, state: str | None) -> list[Step]:
        rows = []
        if found.owed:
            rows.append(owed_row(found, work, *_as(work, ctx, PAYEE_TASK, state, self._owed_state(work))))
        if found.overpaid:
            rows.append(overpaid_row(found, work, *_as(work, ctx, OVERPAID_TASK, state, _overpaid_state(work))))
        return [Write(self.settlement, row, upsert=True) for row in rows]

    def _owed_state(self, work: Work) -> str:
        decision = work.decision(PAYEE_TASK)
        if decision is not None:
            return "payable" if decision.outcome == TaskOutcome.APPROVE else "unclaimed"
        return "payable" if self.payee(work) is not None else "payee_wanted"

    def _recovery_row(self, found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> Step:
        row = settlement_row(work.item, "heir_recovery", found.owed, _owed_lines(found), state, at, by)
        return Write(self.settlement, row, upsert=True)


def stop_row(item: Item, ending: Ending, number: int, now: datetime, state: str = "in_force") -> dict[str, Any]:
    """A benefit ended by a death; `number` counts the item's endings."""
    return {
        "id": derived_id(item.id, "stop", number),
        "item_id": item.id,
        "person_ref": item.person_ref,
        "scheme": ending.scheme,
        "region": item.region,
        "from_month": ending.from_month,
        "monthly_fen": to_fen(ending.monthly),
        "owed_fen": to_fen(ending.owed),
        "overpaid_fen": to_fen(ending.overpaid),
        "stopped_at": now,
        "state": state,
    }


def settlement_row(
    item: Item,
    kind: str,
    amount: Decimal,
    lines: Sequence[Mapping[str, Any]],
    state: str,
    now: datetime,
    by: str | None = None,
) -> dict[str, Any]:
    """One sum that follows a stop; an item has at most one of a kind."""
    return {
        "id": derived_id(item.id, "settlement", kind),
        "item_id": item.id,
        "person_ref": item.person_ref,
        "region": item.region,
        "kind": kind,
        "amount_fen": to_fen(amount),
        "lines": list(lines),
        "state": state,
        "decided_by": by,
        "at": now,
    }


def owed_row(found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What is owed to the heir, as it stands."""
    return settlement_row(work.item, "owed", found.owed, _owed_lines(found), state, at, by)


def overpaid_row(found: Ended, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What was paid for months after the death, as it stands."""
    lines = [{"scheme": e.scheme, "months": list(e.overpaid_months)} for e in found.endings if e.overpaid]
    return settlement_row(work.item, "overpaid", found.overpaid, lines, state, at, by)


def _owed_lines(found: Ended) -> list[dict[str, Any]]:
    return [{"scheme": e.scheme, "months": list(e.owed_months)} for e in found.endings if e.owed]


def _as(work: Work, ctx: Ctx, kind: str, state: str | None, decided: str) -> tuple[str, datetime, str | None]:
    decision = work.decision(kind)
    return (state or decided, decision.at, decision.by) if decision else (state or decided, ctx.now, None)


def _overpaid_state(work: Work) -> str:
    decision = work.decision(OVERPAID_TASK)
    if decision is None:
        return "proposed"
    return "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"
