"""What a procedure goes by: the law it cites, and the days that policy gives a person."""

from __future__ import annotations

from shared.catalog.model import in_force
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work


def law_of(matter: str, ctx: Ctx, first: int | None = None) -> str:
    """The bases of a matter (the `first` so many, or all) that are in force as they stand in a paper; what nobody has
    checked against its text says so."""
    refs = in_force(ctx.catalog.matters[matter].law[:first], beijing_date(ctx.now))
    return "、".join(ref.marked() for ref in refs)


def days(work: Work, ctx: Ctx, what: str) -> int:
    """Working days that policy gives a person for this."""
    entry = ctx.policy.find(f"{work.item.matter}.days", work.item.region, beijing_date(ctx.now))
    return int(entry.value[what])
