"""Withdrawal 撤回, whole or by matter: only what was applied for can be withdrawn, and only while it is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from services.intake.domain import timeline
from services.intake.domain.facts import to_coordinator
from services.intake.domain.model import Application
from services.intake.domain.sealing import REASON, seal
from services.intake.domain.telling import tell
from services.intake.domain.visits import end_calls
from shared.catalog.parties import MatterCode, Shape
from shared.catalog.protocol import ItemView, WithdrawalSubmitted
from shared.changes import Changes, Ctx
from shared.codes import named
from shared.errors import Conflict, FieldError, Invalid
from shared.outcomes import FINAL_ITEM, Nature


class Withdrawal(Shape):
    """Which matters (all if none is named), and why."""

    matters: Annotated[list[MatterCode], Field(max_length=30)] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


def withdraw(state: Application, given: Withdrawal, ctx: Ctx) -> Changes[Application]:
    """Asks the coordinator to withdraw; the items end when their services agree.

    `Invalid` for a matter that is not of the case, or not on application (`NOT_ON_APPLICATION`); `Conflict`
    (`NOTHING_TO_WITHDRAW`) when none of them is open.
    """
    named = state.items if given.matters is None else _named(state, given.matters)
    items = [i for i in named if i.nature is Nature.ON_APPLICATION and i.status not in FINAL_ITEM]
    if not items:
        raise Conflict("NOTHING_TO_WITHDRAW")
    state.withdrawing = list(dict.fromkeys([*state.withdrawing, *(i.item_id for i in items)]))
    # Why is in the applicant's own words, so it stays here, sealed.
    state.evidence[REASON] = seal(ctx.keyring, state.id, REASON, 0, {"reason": given.reason})
    message = WithdrawalSubmitted(case_id=state.id, items=tuple(i.item_id for i in items))
    puts = tell(state, [timeline.withdrawal(items, ctx.catalog)], ctx.now)
    changes = Changes(state, emits=[to_coordinator(state, message)], puts=puts)
    if all(item.item_id in state.withdrawing for item in state.correcting()):
        end_calls(changes, ctx)
    return changes


def _named(state: Application, matters: Sequence[str]) -> list[ItemView]:
    by_matter = {i.matter: i for i in state.items}
    errors = []
    for n, code in enumerate(matters):
        if code not in by_matter:
            told = named("MATTER_NOT_IN_CASE", code, by_matter)
            errors.append(FieldError(f"/matters/{n}", "MATTER_NOT_IN_CASE", told))
        elif by_matter[code].nature is not Nature.ON_APPLICATION:
            errors.append(FieldError(f"/matters/{n}", "NOT_ON_APPLICATION"))
    if errors:
        raise Invalid(errors)
    return [by_matter[code] for code in dict.fromkeys(matters)]
