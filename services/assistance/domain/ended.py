"""What a death ended, read from an item's answers; and the rows of money that follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.assistance.domain.benefit_stop import FAMILY, Stop, payee_of, stop
from services.assistance.domain.common import died_on
from services.assistance.domain.rows import settlement_row
from shared.changes import Ctx
from shared.handling.model import Work
from shared.roll import Running, read_roll

ROLL, ROLL_TASK, OVERPAID_TASK, PAYEE_TASK = "roll", "roll_check", "overpayment", "heir_payee"


def running_in(work: Work) -> list[Running]:
    """What the roll says runs."""
    answer = work.answer(ROLL)
    return read_roll(answer["data"], FAMILY) if answer and answer["data"] else []


def stop_of(work: Work, ctx: Ctx) -> Stop:
    """All that ends with this death."""
    return stop(running_in(work), died_on(work), ctx.policy, work.item.region)


def payee_in(work: Work) -> Mapping[str, Any] | None:
    """The heir's account that the application names, None where it names none that may be paid."""
    return payee_of(work.part.form, deceased(work))


def deceased(work: Work) -> str | None:
    """The dead person's name."""
    name: str | None = work.part.parties.get("subject", {}).get("name")
    return name


def owed_row(found: Stop, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What is owed to the heir, as it stands."""
    lines = [{"scheme": e.scheme, "months": list(e.owed_months)} for e in found.endings if e.owed]
    return settlement_row(work.item, "owed", found.owed, lines, state, at, by)


def overpaid_row(found: Stop, work: Work, state: str, at: datetime, by: str | None = None) -> dict[str, Any]:
    """What was paid for months after the death, as it stands."""
    lines = [{"scheme": e.scheme, "months": list(e.overpaid_months)} for e in found.endings if e.overpaid]
    return settlement_row(work.item, "overpaid", found.overpaid, lines, state, at, by)
