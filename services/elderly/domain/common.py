"""What both matters need: the law to cite, days by policy, whom an answer speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.identity import birth_of


def law_of(matter: str, ctx: Ctx) -> str:
    """The bases of a matter as they stand in a paper; what nobody has checked against its text says so."""
    refs = ctx.catalog.matters[matter].law
    return "、".join(ref.marked() for ref in refs)


def days(work: Work, ctx: Ctx, what: str) -> int:
    """Working days that policy gives a person for this."""
    entry = ctx.policy.find(f"{work.item.matter}.days", work.item.region, beijing_date(ctx.now))
    return int(entry.value[what])


def person_of(work: Work) -> Mapping[str, Any]:
    """Whose benefit it is: the subject where there is one, else who applies."""
    parties = work.part.parties
    found: Mapping[str, Any] = parties.get("subject") or parties.get("applicant", {})
    return found


def birth(person: Mapping[str, Any]) -> date | None:
    """The birth date that the person's number holds."""
    return birth_of(str(person.get("id_no", "")))


def died_on(work: Work) -> date:
    """The day of death as the source established it; the family's claim where it named none."""
    fact = work.fact("death_confirmed")
    return (fact.occurred_on if fact else None) or date.fromisoformat(work.part.form["death"]["date"])
