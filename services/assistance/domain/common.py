"""What both matters need: the law to cite, days by policy, the day of a death."""

from __future__ import annotations

from datetime import date

from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.limits import working_calendar
from shared.handling.model import Work


def law_of(matter: str, ctx: Ctx) -> str:
    """The bases of a matter as they stand in a paper; what nobody has checked against its text says so."""
    refs = ctx.catalog.matters[matter].law
    return "、".join(ref.marked() for ref in refs)


def days(work: Work, ctx: Ctx, what: str) -> int:
    """Working days that policy gives a person for this."""
    entry = ctx.policy.find(f"{work.item.matter}.days", work.item.region, beijing_date(ctx.now))
    return int(entry.value[what])


def died_on(work: Work) -> date:
    """The day of death as the source established it; the family's claim where it named none."""
    fact = work.fact("death_confirmed")
    return (fact.occurred_on if fact else None) or date.fromisoformat(work.part.form["death"]["date"])


def days_until(ctx: Ctx, last: date) -> int:
    """Working days left until a last day that the law counts in calendar days or months; what binds the office ends
    on the working day before it where that day is a rest day."""
    return working_calendar().working_days_between(beijing_date(ctx.now), last)
