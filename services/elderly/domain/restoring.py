"""The death proved not to be so: allowances run again, what fell due meanwhile is owed to the living; what an heir may
have been paid a person looks into. While it is in doubt the stop, and what follows from it, is suspended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.elderly.domain.benefit_stop import Stop, restored
from services.elderly.domain.common import birth, days, person_of
from services.elderly.domain.ended import (
    OVERPAID_TASK,
    PAYEE_TASK,
    overpaid_row,
    owed_row,
    payee_in,
    running_in,
    stop_of,
)
from services.elderly.domain.rows import settlement_row, stop_row
from services.elderly.tables import SETTLEMENT, STOP
from shared.catalog.services.elderly import AllowanceRestored
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.handling.procedure import OpenTask, Publish, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.money import ZERO, format_yuan, yuan
from shared.roll import Restoring

RECOVERY_TASK: Final = "heir_recovery"


def suspended(work: Work, ctx: Ctx) -> list[Step]:
    """The stop rests, and so does the money that follows from it."""
    return _standing(work, ctx, "suspended", money="suspended")


def in_force_again(work: Work, ctx: Ctx) -> list[Step]:
    """All as it was decided."""
    return _standing(work, ctx, "in_force")


def undone(work: Work, ctx: Ctx) -> list[Step]:
    """No stop, nothing owed to heirs, nothing overpaid; the allowances run, with what fell due meanwhile."""
    back = restored(running_in(work), beijing_date(ctx.now), birth(person_of(work)), ctx.policy, work.item.region)
    steps = _standing(work, ctx, "reversed", money="reversed")
    return [*steps, *_arrears(back, work, ctx), *_published(back, work), *_recovery(work, ctx)]


def recovered(work: Work, ctx: Ctx) -> Sequence[Step]:
    """What a person decided of money that an heir may have been paid."""
    decision = work.decision(RECOVERY_TASK)
    if decision is None:
        return ()
    state = "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"
    return [_recovery_row(stop_of(work, ctx), work, state, decision.at, decision.by)]


def _standing(work: Work, ctx: Ctx, state: str, money: str | None = None) -> list[Step]:
    found, at = stop_of(work, ctx), _stopped_at(work, ctx)
    rows = [stop_row(work.item, e, n, at, state) for n, e in enumerate(found.endings)]
    return [*(Write(STOP, row, upsert=True) for row in rows), *_money(found, work, ctx, money)]


def _stopped_at(work: Work, ctx: Ctx) -> datetime:
    told = work.item.data.get("stopped_at")
    return datetime.fromisoformat(told) if told else ctx.now


def _money(found: Stop, work: Work, ctx: Ctx, state: str | None) -> list[Step]:
    """The sums that follow from the stop, in this state; None: as was decided of them."""
    rows = []
    if found.owed:
        rows.append(owed_row(found, work, *_as(work, ctx, PAYEE_TASK, state, _owed_state(work))))
    if found.overpaid:
        rows.append(overpaid_row(found, work, *_as(work, ctx, OVERPAID_TASK, state, _overpaid_state(work))))
    return [Write(SETTLEMENT, row, upsert=True) for row in rows]


def _as(work: Work, ctx: Ctx, kind: str, state: str | None, decided: str) -> tuple[str, datetime, str | None]:
    decision = work.decision(kind)
    return (state or decided, decision.at, decision.by) if decision else (state or decided, ctx.now, None)


def _owed_state(work: Work) -> str:
    decision = work.decision(PAYEE_TASK)
    if decision is not None:
        return "payable" if decision.outcome == TaskOutcome.APPROVE else "unclaimed"
    return "payable" if payee_in(work) is not None else "payee_wanted"


def _overpaid_state(work: Work) -> str:
    decision = work.decision(OVERPAID_TASK)
    if decision is None:
        return "proposed"
    return "to_recover" if decision.outcome == TaskOutcome.APPROVE else "waived"


def _arrears(back: Sequence[Restoring], work: Work, ctx: Ctx) -> list[Step]:
    """A rule may grant: what is owed to the living is payable at once."""
    amount = yuan(sum((r.arrears for r in back), ZERO))
    if not amount:
        return []
    lines = [{"scheme": r.scheme, "months": list(r.arrears_months)} for r in back if r.arrears]
    return [Write(SETTLEMENT, settlement_row(work.item, "arrears", amount, lines, "payable", ctx.now))]


def _published(back: Sequence[Restoring], work: Work) -> list[Step]:
    ref = work.item.person_ref
    if ref is None:
        return []
    place: dict[str, Any] = {"person_ref": ref, "region": work.item.region}
    told = [AllowanceRestored(**place, scheme=r.scheme, from_month=r.from_month, arrears=r.arrears) for r in back]
    return [Publish(message) for message in told]


def _recovery(work: Work, ctx: Ctx) -> list[Step]:
    """Money that may have gone to an heir, or been taken back from the family: a person settles it, never a rule."""
    found = stop_of(work, ctx)
    paid = found.owed if found.owed and _owed_state(work) == "payable" else ZERO
    refund = found.overpaid if found.overpaid and _overpaid_state(work) == "to_recover" else ZERO
    if not (paid or refund):
        return []
    data = {"paid_to_heir": format_yuan(paid), "recovered_from_family": format_yuan(refund)}
    left = days(work, ctx, "overpayment")
    task = OpenTask(RECOVERY_TASK, "review", "handler", left, "DEATH_RETRACTED", data=data)
    return [*([_recovery_row(found, work, "proposed", ctx.now)] if paid else []), task]


def _recovery_row(found: Stop, work: Work, state: str, at: datetime, by: str | None = None) -> Step:
    lines = [{"scheme": e.scheme, "months": list(e.owed_months)} for e in found.endings if e.owed]
    return Write(SETTLEMENT, settlement_row(work.item, "heir_recovery", found.owed, lines, state, at, by), upsert=True)
